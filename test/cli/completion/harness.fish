# fish harness.fish SCRIPT LINE…: what fish offers for each line, whose last word is being typed.
source $argv[1]
for line in $argv[2..-1]
    complete -C "$line" | string replace -r '\t.*' ''
    echo ----
end

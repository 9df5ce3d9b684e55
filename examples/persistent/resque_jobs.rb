require 'json'

# Job scripts for resque-runner, in both of its modes: run calls its block with each job's payload and queue.
module ResqueJobs
  def self.run(&handler)
    queue = ENV.fetch('RESQUE_QUEUE') { ARGV.first }
    fd = ENV.delete('RESQUE_RESULT_FD') # Missing in "mode": "process" and by hand.
    jobs = STDIN.dup.binmode
    return perform(handler, jobs.read, queue)&.then { |failure| abort "\n#{failure}" } if fd.nil?

    results = IO.for_fd(fd.to_i, 'w').tap { |io| io.sync = io.close_on_exec = true }
    STDIN.reopen(File::NULL) # Programs that a handler starts get neither the results nor the next jobs.
    jobs.each_line(chomp: true) do |line|
      results.puts(perform(handler, line, queue) || '{"ok":true}') unless line.empty?
    end
  end

  def self.perform(handler, payload, queue)
    handler.call(JSON.parse(payload), queue)
    nil
  rescue SystemExit, SignalException
    raise
  rescue Exception => e
    error, *backtrace = [e.message, *e.backtrace].map { |text| String.new(text, encoding: 'UTF-8').scrub }
    JSON.generate({ exception: e.class.to_s, error: error, backtrace: backtrace })
  ensure
    STDOUT.flush
  end
end

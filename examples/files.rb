#!/usr/bin/env ruby
# Compresses or deletes files: {"class":"Compress","args":["a.log","b.log"]}. Copy it and put your own jobs in JOBS.
require 'json'
require 'zlib'

Encoding.default_external = Encoding::UTF_8 # JSON is UTF-8, even if the locale of a service isn't.

class EmptyFile < StandardError; end # Failures can be filtered by this name.
class UnknownClass < StandardError; end
class Stopped < Exception; end # Not caught by any plain `rescue` on its way.

def compress(*paths)
  paths.each.with_index(1) do |path, number|
    $stderr.puts "compressing #{number} of #{paths.size}: #{path}"
    raise EmptyFile, "#{path} is empty" if File.size(path).zero?

    part = "#{path}.gz.part"
    begin
      Zlib::GzipWriter.open(part) { |target| IO.copy_stream(path, target) }
      File.rename(part, "#{path}.gz") # Atomic, so the job can run again however this run ended.
    ensure
      File.delete(part) if File.exist?(part)
    end
  end
end

def delete(*paths)
  File.delete(*paths)
end

JOBS = { 'Compress' => method(:compress), 'Delete' => method(:delete) }

begin
  payload = JSON.parse($stdin.read)
  # Not earlier: before the job there is nothing to clean up.
  trap('TERM') { raise Stopped, 'stopped by TERM, nothing half done is left' }
  job = JOBS.fetch(payload['class']) do |name|
    raise UnknownClass, "this script has no job of class #{name}"
  end
  job.call(*payload.fetch('args'))
rescue StandardError, Stopped => e
  $stderr.puts JSON.generate({ exception: e.class, error: e.message.scrub, backtrace: e.backtrace })
  exit e.is_a?(Stopped) ? 143 : 1 # 0 would mean that the job is done; 143 is 128 + TERM.
end

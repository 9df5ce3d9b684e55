#!/usr/bin/env ruby
# Compresses or deletes files: {"class":"Compress","args":["a.log","b.log"]}. Copy it, and put your own jobs in JOBS.
require 'json'
require 'zlib'

Encoding.default_external = Encoding::UTF_8 # As JSON is, whatever the locale of a service.

class EmptyFile < StandardError; end # An exception's name is what failures are filtered by: worth one of its own.
class UnknownClass < StandardError; end
class Stopped < Exception; end # Passes by every plain `rescue` on its way.

def compress(*paths)
  paths.each.with_index(1) do |path, number|
    $stderr.puts "compressing #{number} of #{paths.size}: #{path}"
    raise EmptyFile, "#{path} is empty" if File.size(path).zero?

    part = "#{path}.gz.part"
    begin
      Zlib::GzipWriter.open(part) { |target| IO.copy_stream(path, target) }
      File.rename(part, "#{path}.gz") # At once or not at all: the job may be run again, whatever became of it.
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
  # Not before: until there is a job, there is nothing to put in order.
  trap('TERM') { raise Stopped, 'stopped by TERM, nothing half done is left' }
  job = JOBS.fetch(payload['class']) do |name|
    raise UnknownClass, "this script has no job of class #{name}"
  end
  job.call(*payload.fetch('args'))
rescue StandardError, Stopped => e
  $stderr.puts JSON.generate({ exception: e.class, error: e.message.scrub, backtrace: e.backtrace })
  exit e.is_a?(Stopped) ? 143 : 1 # 0 would say that the job is done; 143 is 128 + TERM.
end

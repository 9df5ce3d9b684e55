#!/usr/bin/env ruby
# Sends mail. In "mode": "persistent", code outside the block runs once, not for each job.
require_relative 'resque_jobs'

TEMPLATES = { welcome: 'Welcome!', invoice: 'please pay %.2f' }

class InvalidAmount < StandardError; end

def welcome(address)
  puts "to #{address}: #{TEMPLATES[:welcome]}"
end

def invoice(address, cents)
  raise InvalidAmount, "can't send an invoice for #{cents} cents" unless cents.positive?

  puts "to #{address}: #{format(TEMPLATES[:invoice], cents / 100.0)}"
end

ResqueJobs.run do |payload, _queue|
  case payload['class']
  when 'Welcome' then welcome(*payload['args'])
  when 'Invoice' then invoice(*payload['args'])
  else raise ArgumentError, "no job is named #{payload['class']}"
  end
end

#!/usr/bin/env php
<?php
// Sends mail. In "mode": "persistent", code outside the functions runs once, not for each job.
require __DIR__ . '/resque_jobs.php';

const TEMPLATES = ['Welcome' => 'Welcome!', 'Invoice' => 'please pay %.2f'];

class InvalidAmount extends Exception {}

function welcome(string $address): void {
    echo "to $address: ", TEMPLATES['Welcome'], "\n";
}

function invoice(string $address, int $cents): void {
    if ($cents <= 0) throw new InvalidAmount("can't send an invoice for $cents cents");
    echo "to $address: ", sprintf(TEMPLATES['Invoice'], $cents / 100), "\n";
}

ResqueJobs\run(fn (array $payload, string $queue) => match ($payload['class']) {
    'Welcome' => welcome(...$payload['args']),
    'Invoice' => invoice(...$payload['args']),
    default => throw new DomainException("no job is named {$payload['class']}"),
});

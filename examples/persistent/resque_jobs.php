<?php
// Job scripts for resque-runner, in both of its modes: run($handler) calls $handler($payload, $queue) for each job.
namespace ResqueJobs;

function run(callable $handler): void {
    $queue = getenv('RESQUE_QUEUE') ?: $_SERVER['argv'][1] ?? '';
    $fd = getenv('RESQUE_RESULT_FD');
    putenv('RESQUE_RESULT_FD');
    if ($fd === false) { // "mode": "process", or by hand.
        $failure = perform($handler, stream_get_contents(STDIN), $queue);
        fwrite(STDERR, $failure === null ? '' : "\n$failure\n");
        exit($failure === null ? 0 : 1);
    } // Programs that a handler starts get neither the descriptor (FD_CLOEXEC, by FFI) nor the next jobs.
    try { \FFI::cdef('int fcntl(int, int, ...);')->fcntl((int) $fd, 2, 1); } catch (\Throwable) {}
    $jobs = fopen('php://stdin', 'r'); fclose(STDIN); $stdin = fopen('/dev/null', 'r');
    while ($line = fgets($jobs))
        if ($line !== "\n") file_put_contents("php://fd/$fd", (perform($handler, $line, $queue) ?? '{"ok":true}') . "\n");
}

function perform(callable $handler, string $payload, string $queue): ?string {
    try {
        $handler(json_decode($payload, true, flags: JSON_THROW_ON_ERROR), $queue);
    } catch (\Throwable $e) {
        $backtrace = ["{$e->getFile()}:{$e->getLine()}", ...explode("\n", $e->getTraceAsString())];
        $failure = ['exception' => get_debug_type($e), 'error' => $e->getMessage(), 'backtrace' => $backtrace];
    }
    while (ob_get_level() > 0) ob_end_flush();
    return isset($failure) ? json_encode($failure, JSON_INVALID_UTF8_SUBSTITUTE) : null;
}

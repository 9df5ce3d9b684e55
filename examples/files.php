#!/usr/bin/env php
<?php
// Compresses or deletes files: {"class":"Compress","args":["a.log","b.log"]}. Copy it and put your own jobs in `match`.
declare(strict_types=1);

ini_set('display_errors', 'stderr'); // So that a fatal error is in the failure: its error comes from STDERR, not STDOUT.
set_error_handler(fn ($level, $message, $file, $line) => error_reporting() & $level // Except what @ silences.
    ? throw new ErrorException($message, 0, $level, $file, $line) : false);

class EmptyFile extends Exception {} // Failures can be filtered by this name.
class UnknownClass extends Exception {}
class Stopped extends Error {} // Not caught by any `catch (Exception)` on its way.

function compress(string ...$paths): void {
    foreach ($paths as $index => $path) {
        fwrite(STDERR, sprintf("compressing %d of %d: %s\n", $index + 1, count($paths), $path));
        if (filesize($path) === 0) throw new EmptyFile("$path is empty");
        $part = "$path.gz.part";
        try {
            [$source, $target] = [fopen($path, 'rb'), gzopen($part, 'wb')];
            while (!feof($source)) gzwrite($target, fread($source, 1 << 16));
            gzclose($target);
            rename($part, "$path.gz"); // Atomic, so the job can run again however this run ended.
        } finally {
            if (file_exists($part)) unlink($part);
        }
    }
}

function delete(string ...$paths): void {
    foreach ($paths as $path) unlink($path);
}

try {
    $payload = json_decode(stream_get_contents(STDIN), true, flags: JSON_THROW_ON_ERROR);
    if (extension_loaded('pcntl')) { // Without it, TERM ends the script immediately.
        pcntl_async_signals(true); // Not earlier: before the job there is nothing to clean up.
        pcntl_signal(SIGTERM, fn () => throw new Stopped('stopped by TERM, nothing half done is left'));
    }
    match ($payload['class']) {
        'Compress' => compress(...$payload['args']),
        'Delete' => delete(...$payload['args']),
        default => throw new UnknownClass("this script has no job of class {$payload['class']}"),
    };
} catch (Throwable $e) {
    $backtrace = ["{$e->getFile()}:{$e->getLine()}", ...explode("\n", $e->getTraceAsString())];
    $failure = ['exception' => $e::class, 'error' => $e->getMessage(), 'backtrace' => $backtrace];
    fwrite(STDERR, json_encode($failure, JSON_INVALID_UTF8_SUBSTITUTE) . "\n");
    exit($e instanceof Stopped ? 143 : 1); // 0 would mean that the job is done; 143 is 128 + TERM.
}

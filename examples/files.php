#!/usr/bin/env php
<?php
// Compresses or deletes files: {"class":"Compress","args":["a.log","b.log"]}. Copy it, and put your own jobs in `match`.
declare(strict_types=1);

ini_set('display_errors', 'stderr'); // A fatal error's words are the failure's then; STDOUT isn't looked at.
set_error_handler(fn ($level, $message, $file, $line) => error_reporting() & $level // Not what @ silences.
    ? throw new ErrorException($message, 0, $level, $file, $line) : false);

class EmptyFile extends Exception {} // An exception's name is what failures are filtered by: worth one of its own.
class UnknownClass extends Exception {}
class Stopped extends Error {} // Passes by every `catch (Exception)` on its way.

function compress(string ...$paths): void {
    foreach ($paths as $index => $path) {
        fwrite(STDERR, sprintf("compressing %d of %d: %s\n", $index + 1, count($paths), $path));
        if (filesize($path) === 0) throw new EmptyFile("$path is empty");
        $part = "$path.gz.part";
        try {
            [$source, $target] = [fopen($path, 'rb'), gzopen($part, 'wb')];
            while (!feof($source)) gzwrite($target, fread($source, 1 << 16));
            gzclose($target);
            rename($part, "$path.gz"); // At once or not at all: the job may be run again, whatever became of it.
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
    if (extension_loaded('pcntl')) { // Without it TERM ends the script on the spot.
        pcntl_async_signals(true); // Not before there is a job: until then there is nothing to put in order.
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
    exit($e instanceof Stopped ? 143 : 1); // 0 would say that the job is done; 143 is 128 + TERM.
}

#!/usr/bin/env node
// A job that reports its failures as Resque's own workers would: with a JSON object of `exception`, `error` and
// `backtrace` as the last line of STDERR, and an exit code other than 0. The failure also keeps the text before it.
import { text } from 'node:stream/consumers';

class CardDeclined extends Error {
  name = 'CardDeclined';
}

function charge(card, cents) {
  if (!Number.isInteger(cents)) throw new TypeError(`an amount of ${JSON.stringify(cents)} can't be charged`);
  if (cents > 10_000)
    throw new CardDeclined(`${card} is good for 100.00 at most, not ${(cents / 100).toFixed(2)}`);
  return `charged ${(cents / 100).toFixed(2)} to ${card}`;
}

try {
  const { args } = JSON.parse(await text(process.stdin));
  console.log(charge(...args));
} catch (error) {
  const backtrace = error.stack
    .split('\n')
    .filter((line) => line.startsWith('    at '))
    .map((line) => line.trim().slice('at '.length));
  console.error('asked the bank');
  console.error(JSON.stringify({ exception: error.name, error: error.message, backtrace }));
  process.exitCode = 1;
}

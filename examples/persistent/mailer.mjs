#!/usr/bin/env node
// Sends mail. In "mode": "persistent", code outside the functions runs once, not for each job.
import { run } from './resque-jobs.mjs';

const templates = { welcome: 'Welcome!', invoice: (cents) => `please pay ${(cents / 100).toFixed(2)}` };

class InvalidAmount extends Error {}

function welcome(address) {
  console.log(`to ${address}: ${templates.welcome}`);
}

function invoice(address, cents) {
  if (!(cents > 0)) throw new InvalidAmount(`can't send an invoice for ${cents} cents`);
  console.log(`to ${address}: ${templates.invoice(cents)}`);
}

const jobs = new Map([
  ['Welcome', welcome],
  ['Invoice', invoice],
]);

await run(({ class: name, args }) => {
  const job = jobs.get(name);
  if (job === undefined) throw new Error(`no job is named ${name}`);
  return job(...args);
});

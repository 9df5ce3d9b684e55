/**
 * The program and its environment for pictures: a Redis, jobs, a terminal, keys, and the text of the screen. All files are
 * in one temporary directory.
 */
import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { spawn } from '@lydell/node-pty';
import xterm from '@xterm/headless';
import { execa } from 'execa';
import { Redis } from 'ioredis';
import { distEntry } from '../setup/paths.mjs';

const columns = 120;
const rows = 36;
const limitMs = 30_000;
const pollMs = 20;
/** The pictures show the port, so it is the same each time if it is free. */
const firstPort = 6390;
const connectionName = 'pictures';

/**
 * @typedef {object} Job
 * @property {string} class
 * @property {readonly unknown[]} args
 */

export class Stage {
  /** @type {(() => unknown)[]} */
  #disposals = [];
  /** @type {Promise<void> | null} */
  #disposed = null;
  #directory = realpathSync(mkdtempSync(join(tmpdir(), 'resque-runner-pictures-')));
  #hold = join(this.#directory, 'hold');
  #screen = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
  #unparsed = 0;
  #port = firstPort;
  /** @type {(keys: string) => void} */
  #write = () => {};
  #redis = this.#connection();

  /** The screen that the program has drawn. */
  get screen() {
    return this.#screen;
  }

  get redis() {
    return this.#redis;
  }

  #connection() {
    const redis = new Redis({
      lazyConnect: true,
      protocol: 2,
      disableClientInfo: true,
      connectionName,
      retryStrategy: () => pollMs,
      maxRetriesPerRequest: null,
    });
    redis.on('error', () => {
      // Redis is still starting. If it never starts, waiting for it fails.
    });
    return redis;
  }

  async startRedis() {
    this.#disposals.push(() => rmSync(this.#directory, { recursive: true, force: true }));
    while (!(await isFree(this.#port))) this.#port += 1;
    const settings = ['--port', String(this.#port), '--bind', '127.0.0.1', '--save', ''];
    const program = ['redis-server', 'valkey-server'].find(isOnPath) ?? 'redis-server';
    const server = execa(program, [...settings, '--dir', this.#directory], {
      stdio: 'ignore',
      reject: false,
    });
    this.#disposals.push(async () => {
      server.kill('SIGTERM');
      await server;
    });
    this.#redis.options.port = this.#port;
    this.#disposals.push(() => this.#redis.disconnect());
    await Promise.race([
      this.#redis.ping(),
      server.then(({ message }) => Promise.reject(new Error(message))),
    ]);
  }

  /** @param {Readonly<Record<string, number>>} runners slots by queue */
  async startProgram(runners) {
    const config = join(this.#directory, 'cfg.json');
    const settings = {
      redis: { server: 'localhost', port: this.#port, db: 0 },
      worker: { host: 'web1.runner' },
      runners,
      script: ['/bin/sh', fileURLToPath(new URL('jobs.sh', import.meta.url))],
      env: { PICTURES_HOLD: this.#hold },
    };
    writeFileSync(config, JSON.stringify(settings));
    writeFileSync(this.#hold, '');
    const pty = spawn(process.execPath, [distEntry, config], {
      name: 'xterm-256color',
      cols: columns,
      rows,
      // No other variables, so that the pictures are the same on every machine. Ink draws differently if CI is set.
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        LANG: 'C.UTF-8',
        TZ: 'UTC',
        TMPDIR: this.#directory,
      },
    });
    let hasExited = false;
    pty.onExit(() => {
      hasExited = true;
    });
    pty.onData((data) => {
      this.#unparsed += 1;
      this.#screen.write(data, () => {
        this.#unparsed -= 1;
      });
    });
    this.#screen.onData((answer) => pty.write(answer));
    this.#write = (keys) => pty.write(keys);
    this.#disposals.push(async () => {
      // Without this file the jobs end, and then the engine can end too.
      rmSync(this.#hold, { force: true });
      if (!hasExited) pty.kill('SIGTERM');
      await this.waitFor(
        () => 'the end of the program',
        async () => hasExited && !(await this.#isRunnerConnected()),
      );
    });
    await this.waitForText('1 Queues');
  }

  async #isRunnerConnected() {
    const connections = String(await this.#redis.client('LIST'))
      .trim()
      .split('\n');
    return connections.some((line) => !line.includes(` name=${connectionName} `));
  }

  /**
   * @param {string} queue
   * @param {readonly Job[]} jobs
   */
  async enqueue(queue, jobs) {
    await this.#redis.sadd('resque:queues', queue);
    await this.#redis.rpush(`resque:queue:${queue}`, ...jobs.map((job) => JSON.stringify(job)));
  }

  /** @param {string} keys as sent by a terminal */
  press(keys) {
    this.#write(keys);
  }

  /**
   * Presses a key, once or several times, until the screen shows what is wanted.
   *
   * @param {string} key
   * @param {RegExp} pattern its first group is what the key changes
   * @param {string} wanted
   */
  async pressUntil(key, pattern, wanted) {
    const shown = () => pattern.exec(this.text())?.[1];
    for (let from = shown(); from !== wanted; from = shown()) {
      this.press(key);
      await this.waitFor(
        () => `a change of ${pattern}, on the way from ${from} to ${wanted}`,
        () => shown() !== undefined && shown() !== from,
      );
    }
  }

  /** The visible rows. */
  text() {
    const { active } = this.#screen.buffer;
    const lines = Array.from({ length: rows }, (_, row) => active.getLine(active.viewportY + row));
    return lines.map((line) => line?.translateToString(true) ?? '').join('\n');
  }

  /** @param {...(string | RegExp)} texts that must all be on the screen */
  async waitForText(...texts) {
    const isThere = (/** @type {string | RegExp} */ text) =>
      typeof text === 'string' ? this.text().includes(text) : text.test(this.text());
    await this.waitFor(
      () => `${texts.filter((text) => !isThere(text)).join(' and ')} on the screen`,
      () => texts.every(isThere),
    );
  }

  /**
   * @param {() => string} what
   * @param {() => boolean | Promise<boolean>} isMet
   */
  async waitFor(what, isMet) {
    const deadline = performance.now() + limitMs;
    while (this.#unparsed > 0 || !(await isMet())) {
      if (performance.now() > deadline) {
        throw new Error(`waited ${limitMs / 1000} s for ${what()}; the screen:\n${this.text()}`);
      }
      await sleep(pollMs);
    }
  }

  /** Ends all processes and removes all files. Further calls wait for the same end. */
  dispose() {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  async #dispose() {
    for (const act of this.#disposals.reverse()) await act();
  }
}

/** @param {string} name */
function isOnPath(name) {
  return (process.env.PATH ?? '').split(delimiter).some((directory) => existsSync(join(directory, name)));
}

/** @param {number} port @returns {Promise<boolean>} */
function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** What the guard says and does in this process; restore.test.ts shows what a terminal sees of it. */
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ScreenGuard } from '../../../src/ui/terminal/screen-guard.ts';

let done: string[];
let stdin: EventEmitter & { setRawMode(isRaw: boolean): void };
let stdout: EventEmitter;
let guard: ScreenGuard;
let before: Record<string, number>;

function listeners(): Record<string, number> {
  const names = [
    'SIGINT',
    'SIGTERM',
    'SIGHUP',
    'SIGQUIT',
    'SIGTSTP',
    'SIGCONT',
    'exit',
    'uncaughtExceptionMonitor',
  ];
  return Object.fromEntries(names.map((name) => [name, process.listenerCount(name)]));
}

beforeEach(() => {
  before = listeners();
  done = [];
  stdout = new EventEmitter();
  stdin = Object.assign(new EventEmitter(), {
    setRawMode: (isRaw: boolean) => void done.push(isRaw ? 'raw' : 'cooked'),
  });
  guard = new ScreenGuard({
    stdin: stdin as unknown as NodeJS.ReadStream,
    stdout: stdout as unknown as NodeJS.WriteStream,
    output: {
      writeNow: (text) => done.push(text.includes('[?1049h') ? 'entered' : 'left'),
      setBlocking: () => {},
    },
    canvas: {
      open: () => done.push('painting'),
      close: () => done.push('not painting'),
      send: (text) => done.push(text),
    },
    hasMouse: true,
    onSignal: (signal) => done.push(signal),
  });
});

afterEach(() => {
  guard.dispose();
});

const entering = ['raw', 'entered', 'painting'];
const leaving = ['not painting', 'left', 'cooked'];

test('entering and leaving twice is once', () => {
  guard.leave();
  guard.enter();
  guard.enter();
  guard.leave();
  guard.leave();
  expect(done).toEqual([...entering, ...leaving]);
});

test('each signal is told, after the terminal was restored', () => {
  guard.enter();
  process.emit('SIGTERM', 'SIGTERM');
  process.emit('SIGTERM', 'SIGTERM');
  process.emit('SIGINT', 'SIGINT');
  expect(done).toEqual([...entering, ...leaving, 'SIGTERM', 'SIGTERM', 'SIGINT']);
});

test('that the terminal has gone is told once, however many say so', () => {
  guard.enter();
  stdin.emit('error', new Error('read EIO'));
  process.emit('SIGHUP', 'SIGHUP');
  stdin.emit('end');
  stdout.emit('error', new Error('write EIO'));
  expect(done).toEqual([...entering, ...leaving, 'SIGHUP']);
});

test('a terminal that goes while it is restored is told too', () => {
  guard.enter();
  stdin.setRawMode = () => stdin.emit('error', new Error('setRawMode EIO'));
  guard.leave();
  expect(done).toEqual([...entering, 'not painting', 'left', 'SIGHUP']);
});

test('nobody is told on exit', () => {
  guard.enter();
  stdin.setRawMode = () => stdin.emit('error', new Error('setRawMode EIO'));
  process.listeners('exit').at(-1)?.(0);
  expect(done).toEqual([...entering, 'not painting', 'left']);
});

test('once disposed of it listens to nothing but errors of the terminal', () => {
  guard.enter();
  guard.dispose();
  expect(listeners()).toEqual(before);
  expect(done).toEqual([...entering, ...leaving]);
  stdin.emit('end');
  expect(() => stdin.emit('error', new Error('read EIO'))).not.toThrow();
});

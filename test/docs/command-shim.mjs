/**
 * `resque-runner` on the PATH of a sandbox: the built program.
 *
 * - A runner would block the rest of a document. So it runs in the background, and the command returns when the runner
 *   is connected. The log of process PID is RR_DOCS_BACKGROUND/PID.log.
 * - `attach` gets a terminal. The shim waits for the screen and leaves it with `q`.
 * - Every other command runs unchanged.
 */
import { spawn } from 'node:child_process';
import { existsSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const program = fileURLToPath(new URL('../../dist/resque-runner.js', import.meta.url));
const args = process.argv.slice(2);
const background = process.env.RR_DOCS_BACKGROUND ?? '';
const pollMs = 10;

if (isRunner()) await startRunner();
else if (args[0] === 'attach' && !args.includes('--help')) await attach();
else {
  process.argv = [process.execPath, program, ...args];
  await import(pathToFileURL(program).href);
}

/** Whether the command is the runner itself, as the program decides it: no other command's name comes first. */
function isRunner() {
  if (['--help', '-h', '--version', '--drain'].some((flag) => args.includes(flag))) return false;
  const [first = '--'] = args;
  return first.startsWith('-') || first === 'run' || /[./]/.test(first) || existsSync(first);
}

async function startRunner() {
  const starting = join(background, `${process.pid}.starting`);
  const log = openSync(starting, 'w');
  const child = spawn(process.execPath, [program, ...args], { detached: true, stdio: ['ignore', log, log] });
  const exit = new Promise((resolve) => {
    child.on('exit', resolve);
  });
  /** @type {number | null | undefined} */
  let exitCode;
  void exit.then((code) => {
    exitCode = code;
  });
  // Either format of the log.
  while (exitCode === undefined && !/"redis\.up"|connected, version/.test(readFileSync(starting, 'utf8'))) {
    await sleep(pollMs);
  }
  if (exitCode !== undefined) {
    process.stderr.write(readFileSync(starting));
    rmSync(starting);
    process.exit(exitCode ?? 1);
  }
  renameSync(starting, join(background, `${child.pid}.log`));
  process.exit(0);
}

async function attach() {
  const { spawn: spawnInTerminal } = await import('@lydell/node-pty');
  const terminal = spawnInTerminal(process.execPath, [program, ...args], { cols: 120, rows: 36 });
  let shown = '';
  terminal.onData((data) => {
    // Without escape sequences for the cursor and colors.
    shown += data.replace(/\u001B\[[\d;?]*[A-Za-z]/g, '');
  });
  /** @type {number | null} */
  let exitCode = null;
  terminal.onExit((end) => {
    exitCode = end.exitCode;
  });
  let isLeaving = false;
  while (exitCode === null) {
    if (!isLeaving && shown.includes('Queues')) {
      isLeaving = true;
      terminal.write('q');
    }
    await sleep(pollMs);
  }
  if (exitCode !== 0) process.stderr.write(shown);
  process.exit(exitCode);
}

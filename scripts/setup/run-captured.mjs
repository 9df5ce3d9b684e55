/** Runs a program without showing its output, which is needed only if the program fails. */
import { spawn } from 'node:child_process';

/**
 * @param {readonly string[]} command
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} options
 * @returns {Promise<{ isOk: boolean, output: string }>} with stdout and stderr in the order of arrival. If the program
 *   can't be started, the result is a failure with the reason as its output.
 */
export function runCaptured(command, options = {}) {
  return new Promise((resolve) => {
    const [program = '', ...args] = command;
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    /** @type {Buffer[]} */
    const chunks = [];
    const outputSoFar = () => Buffer.concat(chunks).toString();
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (error) => resolve({ isOk: false, output: `${outputSoFar()}${error.message}` }));
    child.on('close', (code) => resolve({ isOk: code === 0, output: outputSoFar() }));
  });
}

/** Programs that jobs of a dead runner left running on this machine, and their end. */
import { signalGroup } from './child.ts';
import { processesWith } from './process-identity.ts';
import { runnerVariable } from './runner-variable.ts';

const checkMs = 10;
/** A killed process may take its time to go if a disk or a debugger holds it. */
const endLimitMs = 5_000;

/** Ends what that process' jobs have left running here. @returns whether nothing of it is left */
export async function endPrograms(nonce: string): Promise<boolean> {
  const deadline = performance.now() + endLimitMs;
  for (;;) {
    const pids = processesWith(runnerVariable, nonce);
    if (pids.length === 0) return true;
    if (performance.now() > deadline) return false;
    for (const pid of pids) {
      // Its group, where it leads one: also what it started meanwhile.
      signalGroup(pid, 'SIGKILL');
      killProcess(pid);
    }
    await new Promise((resolve) => setTimeout(resolve, checkMs));
  }
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ESRCH: it has ended.
  }
}

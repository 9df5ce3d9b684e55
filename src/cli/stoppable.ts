/** Work in steps that Ctrl-C stops between two of them, so that it can still say how far it got. */

const signal = 'SIGINT';

/**
 * @param work asks before each step whether to stop. A second Ctrl-C ends the process at once.
 */
export async function stoppable<T>(work: (isStopped: () => boolean) => Promise<T>): Promise<T> {
  let isStopped = false;
  const stop = () => {
    if (isStopped) {
      process.off(signal, stop);
      process.kill(process.pid, signal);
    }
    isStopped = true;
  };
  process.on(signal, stop);
  try {
    return await work(() => isStopped);
  } finally {
    process.off(signal, stop);
  }
}

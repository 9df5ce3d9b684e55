/** Switching an attached screen to another runner. */
import { changeView } from '../../store/app-store.ts';
import type { ActionContext } from './action-context.ts';

/** One key each. */
const mostRunners = 9;
const cancelKey = 'c';

export async function askForRunner(context: ActionContext): Promise<void> {
  const { runners, store } = context;
  if (runners === null) {
    const fix = context.isOwner ? '; leave it running (q), then attach to another one' : '';
    context.toast(`this screen can't leave its runner${fix}`, true);
    return;
  }
  const others = (await runners.list()).slice(0, mostRunners);
  if (others.length === 0) {
    context.toast('no other runner of this user is running on this host', true);
    return;
  }
  changeView(store, {
    dialog: {
      kind: 'question',
      question: { kind: 'switch-runner', sockets: others.map(({ socket }) => socket) },
      title: 'Switch to another runner?',
      lines: [`This screen shows ${context.runnerName}.`],
      choices: [
        ...others.map(({ label, detail }, at) => ({ label, key: String(at + 1), detail })),
        { label: 'Cancel', key: cancelKey, detail: '' },
      ],
      focus: 0,
    },
  });
}

export async function switchRunner(
  context: ActionContext,
  sockets: readonly string[],
  key: string,
): Promise<void> {
  const socket = sockets[Number(key) - 1];
  if (context.runners === null || socket === undefined) return;
  const trouble = await context.runners.switchTo(socket);
  if (trouble !== null) {
    context.toast(trouble, true);
    return;
  }
  context.closeLog();
  context.failures.reread();
  context.toast(`attached to ${context.runnerName}`);
}

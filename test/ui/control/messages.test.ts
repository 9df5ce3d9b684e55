/** How long a message stays: an error until the next key, any message as long as the screen that it is about. */
import { describe, expect, test } from 'vitest';
import type { Command, CommandReply } from '../../../src/protocol/commands.ts';
import { type AppStore, createAppStore } from '../../../src/store/app-store.ts';
import { emptySnapshot } from '../../../src/store/reduce.ts';
import { Controller } from '../../../src/ui/control/controller.ts';
import { engineState, queueState, runnerView } from '../states.ts';

class Stage {
  readonly store: AppStore = createAppStore();
  readonly written: string[] = [];
  readonly #controller: Controller;
  #reply: (reply: CommandReply) => void = () => {};

  constructor() {
    this.store.setState({
      model: {
        ...{ ...emptySnapshot, engine: engineState },
        ...{ queues: [queueState('mail')], runners: [runnerView('mail')] },
      },
    });
    this.#controller = new Controller(
      {
        ...{
          store: this.store,
          isReadOnly: false,
          isOwner: true,
          canLeaveRunning: true,
          runnerName: 'runner',
        },
        watch: () => () => {},
        send: (command: Command) =>
          command.type === 'find-failures'
            ? Promise.resolve({ ok: false, code: 'redis-down', message: 'no Redis' })
            : new Promise((resolve) => {
                this.#reply = resolve;
              }),
      },
      {
        size: () => ({ columns: 120, rows: 36 }),
        hasColors: true,
        page: () => Promise.resolve(null),
        ...{
          wake: () => {},
          hitAt: () => null,
          toggleMouse: () => false,
          repaint: () => {},
          suspend: () => {},
          end: () => {},
        },
        write: (sequence) => this.written.push(sequence),
      },
    );
  }

  press(...keys: string[]): void {
    for (const key of keys) this.#controller.handle({ key });
  }

  async reply(ok: boolean, message: string): Promise<void> {
    this.#reply(ok ? { ok, message } : { ok, message, code: 'redis-down' });
    await new Promise(setImmediate);
  }

  get message(): string | null {
    const { toast } = this.store.getState().view;
    return toast === null ? null : `${toast.isError ? '✗' : '✓'} ${toast.text}`;
  }
}

test('an error goes with the next key, whatever it does', () => {
  const error = '✗ press Tab to select a failure, or 2 to see all';
  const stage = new Stage();
  stage.press('r');
  expect(stage.message).toBe(error);
  stage.press('j');
  expect(stage.message).toBeNull();
  stage.press('r', 'r');
  expect(stage.message).toBe(error);
});

test('a reply stays while the keys go on in the same place, and goes with a change of the tab', async () => {
  const stage = new Stage();
  stage.press('p');
  await stage.reply(true, 'mail is paused');
  stage.press('j', '?', 'escape');
  expect(stage.message).toBe('✓ mail is paused');
  stage.press('4');
  expect(stage.message).toBeNull();
  stage.press('1');
  expect(stage.message).toBeNull();
});

describe('a reply that comes after a change of the tab', () => {
  test('is not shown there if all went well', async () => {
    const stage = new Stage();
    stage.press('p', '4');
    await stage.reply(true, 'mail is paused');
    expect(stage.message).toBeNull();
  });

  test('is shown if it is an error', async () => {
    const stage = new Stage();
    stage.press('p', '4');
    await stage.reply(false, "Redis can't be reached");
    expect(stage.message).toBe("✗ Redis can't be reached");
  });
});

describe('y', () => {
  test('says what was sent where, and what tmux needs', () => {
    const stage = new Stage();
    const before = process.env.TMUX;
    try {
      delete process.env.TMUX;
      stage.press('y');
      expect(stage.message).toBe("✓ sent the queue's name to the terminal's clipboard");
      process.env.TMUX = '/tmp/tmux-1000/default,1,0';
      stage.press('y');
      expect(stage.message).toBe(
        "✓ sent the queue's name to the terminal's clipboard; tmux needs set-clipboard on",
      );
    } finally {
      if (before === undefined) delete process.env.TMUX;
      else process.env.TMUX = before;
    }
    expect(stage.written).toHaveLength(2);
  });

  test('has nothing to send where nothing is selected, and that is no success', () => {
    const stage = new Stage();
    stage.press('4', 'y');
    expect(stage.message).toBe('✗ nothing to copy');
    expect(stage.written).toEqual([]);
  });
});

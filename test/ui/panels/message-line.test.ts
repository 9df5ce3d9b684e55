import { expect, test } from 'vitest';
import { createAppStore } from '../../../src/store/app-store.ts';
import { emptySnapshot } from '../../../src/store/reduce.ts';
import { initialView } from '../../../src/store/view.ts';
import { RenderedScreen } from '../rendered-screen.tsx';

const redis = {
  ...emptySnapshot.redis,
  state: 'down' as const,
  reason: 'connect ECONNREFUSED 10.0.0.7:6379',
};

function message(columns: number, text: string): string {
  const toast = { text, isError: true, untilMs: 1_000 };
  const state = {
    ...createAppStore().getState(),
    ...{ model: { ...emptySnapshot, redis }, view: { ...initialView, toast } },
  };
  return new RenderedScreen(state, { columns, rows: 20 }).rowTexts().at(-2) ?? '';
}

test('an outage of Redis is visible beside any other message', () => {
  expect(message(120, 'nothing to open')).toMatch(
    /^ ✗ nothing to open +✗ Redis: connect ECONNREFUSED 10\.0\.0\.7:6379; running jobs continue, reconnecting$/,
  );
  expect(message(60, 'a long sentence '.repeat(9))).toMatch(
    /^ ✗ a long sentence a long se… {2}✗ Redis: connect ECONNREFUSE…$/,
  );
});

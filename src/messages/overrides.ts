/** What log and screen say about pauses and slots that operators have set by hand. */
import type { EngineFact, LostOverride, OverrideView } from '../protocol/events.ts';
import { localMinute, plural } from './quantities.ts';
import { visibleWithin } from './visible.ts';

interface OverrideMessages {
  readonly level: 'info' | 'warn';
  readonly glyph: '●' | '!';
  readonly text: string;
}

const nameLimit = 60;
const reasonLimit = 200;
const listLimit = 1_000;

export function overrideMessages(
  fact: Extract<EngineFact, { type: `overrides.${string}` }>,
): OverrideMessages {
  switch (fact.type) {
    case 'overrides.kept': {
      const text = `kept from before: ${keptText(fact.kept)}; to go back to the config: resque-runner reset --all`;
      return { level: 'info', glyph: '●', text };
    }
    case 'overrides.refused': {
      const reason = visibleWithin(fact.reason, reasonLimit);
      return {
        level: 'warn',
        glyph: '!',
        text: `pauses and slots set by hand won't survive a restart: Redis doesn't keep them: ${reason}`,
      };
    }
    case 'overrides.lost': {
      const changes = visibleWithin(fact.lost.map(lostText).join('; '), listLimit);
      return {
        level: 'warn',
        glyph: '!',
        text: `not stored, because Redis is away, so the next runner will not have: ${changes}`,
      };
    }
  }
}

/** `mail paused by ann@pts/3 since 2026-11-24 15:20; images 8 slots instead of 4, by bob since 2026-11-24 16:02` */
export function keptText(kept: readonly OverrideView[]): string {
  return visibleWithin(kept.map(overrideText).join('; '), listLimit);
}

/** `mail paused by ann@pts/3 since 2026-11-24 15:20; images resumed; news back to the slots of the config` */
function lostText({ kind, name, override }: LostOverride): string {
  const what = kind === 'all' ? 'every queue' : visibleWithin(name, nameLimit);
  if (override === null)
    return kind === 'slots' ? `${what} back to the slots of the config` : `${what} resumed`;
  const { slots } = override;
  return slots === undefined
    ? `${what} paused ${whoAndWhen(override)}`
    : `${what} ${plural(slots, 'slot')}, ${whoAndWhen(override)}`;
}

function whoAndWhen({ by, sinceMs }: { readonly by: string; readonly sinceMs: number }): string {
  return `by ${by === '' ? 'hand' : visibleWithin(by, nameLimit)} since ${localMinute(sinceMs)}`;
}

function overrideText(override: OverrideView): string {
  const who = whoAndWhen(override);
  if (override.kind === 'pause') {
    const what = override.queue === null ? 'every queue' : visibleWithin(override.queue, nameLimit);
    return `${what} paused ${who}`;
  }
  const { runner, slots, configured } = override;
  return `${visibleWithin(runner, nameLimit)} ${plural(slots, 'slot')} instead of ${configured}, ${who}`;
}

import { expect, test } from 'vitest';
import type { FailureGroup } from '../../src/protocol/commands.ts';
import { groupRequest, withGroups } from '../../src/store/failure-groups.ts';
import { initialView, type View } from '../../src/store/view.ts';

const group = (exception: string, count: number, rest: Partial<FailureGroup> = {}): FailureGroup => ({
  exception,
  jobClass: 'Job',
  count,
  retryable: count,
  firstFailedAt: null,
  lastFailedAt: null,
  example: { error: exception, args: '' },
  ...rest,
});
const none = { groups: [], others: 0 };

test('the counts of all replies add up, with the times and the example of the right ends', () => {
  const newer = group('E', 2, { firstFailedAt: 'c', lastFailedAt: 'd', example: { error: 'new', args: '' } });
  const older = group('E', 3, { firstFailedAt: 'a', lastFailedAt: 'b', retryable: 1 });
  expect(withGroups(withGroups(none, [newer]), [older, group('F', 1)])).toEqual({
    groups: [{ ...newer, count: 5, retryable: 3, firstFailedAt: 'a' }, group('F', 1)],
    others: 0,
  });
  const unknown = group('E', 1);
  expect(withGroups({ groups: [unknown], others: 0 }, [newer]).groups[0]).toMatchObject({
    ...{ firstFailedAt: 'c', lastFailedAt: 'd' },
  });
});

test('the largest group comes first; equally large ones stay in their order', () => {
  const { groups } = withGroups(none, [group('A', 1), group('B', 5), group('C', 1), group('D', 5)]);
  expect(groups.map(({ exception }) => exception)).toEqual(['B', 'D', 'A', 'C']);
});

test('groups without or with a queue differ, and so does no name from a name', () => {
  const all = [
    group('E', 1),
    group('E', 1, { queue: null }),
    group('E', 1, { queue: 'mail' }),
    group('E', 1, { jobClass: null }),
  ];
  expect(withGroups(none, all).groups).toHaveLength(4);
});

test('more groups than a user reads are only counted', () => {
  const many = Array.from({ length: 1_200 }, (_, at) => group(`E${at}`, 2));
  const all = withGroups(withGroups(none, many), [group('E0', 1), group('E1199', 1)]);
  expect(all.groups).toHaveLength(1_000);
  expect(all.groups[0]).toMatchObject({ exception: 'E0', count: 3 });
  expect(all.others).toBe(401);
});

test('groups are counted only where they are shown', () => {
  const request = (view: Partial<View>) => groupRequest({ ...initialView, ...view });
  const failures = { ...initialView.failures, filter: 'queue:mail', grouping: 'class' as const };
  expect(request({})).toBeNull();
  expect(request({ failures })).toBeNull();
  expect(request({ tab: 'failures' })).toBeNull();
  expect(request({ tab: 'failures', failures })).toMatchObject({
    command: { filter: { queue: 'mail' }, byQueue: false },
    queue: null,
  });
  const group = { exception: 'E', jobClass: null };
  expect(request({ tab: 'failures', failures: { ...failures, group } })).toBeNull();
  expect(request({ tab: 'failures', failures, opened: { kind: 'job', jobId: '1' } })).toBeNull();
  const page = { pane: 'waiting', jobId: null, filter: 'x', waiting: null, group: null } as const;
  expect(request({ opened: { kind: 'queue', queue: 'Mail', ...page } })).toMatchObject({
    command: { filter: { queue: 'Mail', text: null }, byQueue: true },
    queue: 'Mail',
  });
});

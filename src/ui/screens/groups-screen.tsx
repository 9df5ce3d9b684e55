/** The shared `failed` list in groups, with the details of the group under the cursor. */
import type { ReactNode } from 'react';
import { grouped, plural } from '../../messages/quantities.ts';
import { Panel } from '../frame/panel.tsx';
import { useFrame } from '../frame/use-frame.ts';
import { innerWidth } from '../layout/framed.ts';
import { failuresLayout } from '../layout/layout.ts';
import { selectedGroup } from '../lists/selection.ts';
import { groupDetail } from '../panels/group-rows.ts';
import { GroupTable } from '../panels/group-table.tsx';
import { type Part, span } from '../text/line.ts';

export function GroupsScreen(): ReactNode {
  const { size, view, count, total, group } = useFrame((frame) => ({
    size: frame.size,
    view: frame.view.failures,
    count: frame.groupPages.groups.length,
    total: frame.model.failedTotal ?? frame.groupPages.total,
    group: selectedGroup(frame),
  }));
  const { listRows, detailRows } = failuresLayout(size);
  const hasQueues = view.grouping === 'queue';
  const title: Part[] = [
    span('Failures', { bold: true }),
    span(total === null ? '' : `  ${grouped(total)}`),
    span(`  ${plural(count, 'group')} by exception${hasQueues ? ', class and queue' : ' and class'}`),
  ];
  if (view.filter !== '') title.push(span(`  filter: ${view.filter}`, { color: 'yellow' }));
  return (
    <>
      <GroupTable
        height={listRows}
        title={title}
        cursor={view.groupCursor}
        hasQueues={hasQueues}
        isFocused={true}
        select={(key) => (now) => ({ failures: { ...now.failures, groupCursor: key } })}
        wheel={() => ({})}
        none={view.filter === '' ? 'no failures' : 'no failure matches; Esc clears the filter'}
      />
      <Panel
        width={size.columns}
        height={detailRows}
        title={[span('group', { dim: true })]}
        isFocused={false}
        content={group === null ? [] : groupDetail(group, innerWidth(size.columns))}
      />
    </>
  );
}

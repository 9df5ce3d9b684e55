/** The page of one queue: why it runs or not, its running jobs, its waiting jobs, and its failures in groups. */
import type { ReactNode } from 'react';
import { plural } from '../../messages/quantities.ts';
import { jobsOf, poolOf } from '../../store/selectors.ts';
import type { QueuePage } from '../../store/view.ts';
import { Panel } from '../frame/panel.tsx';
import { useFrame } from '../frame/use-frame.ts';
import { innerHeight, innerWidth } from '../layout/framed.ts';
import { queuePageLayout } from '../layout/layout.ts';
import { indexOfKey, pageChange } from '../lists/selection.ts';
import { GroupTable } from '../panels/group-table.tsx';
import { runningLines } from '../panels/queue-lines.ts';
import { aboutLines, aboutTitle } from '../queue/queue-about.ts';
import { WaitingTable } from '../queue/waiting-table.tsx';
import { clickable, lineOf, type Part, span } from '../text/line.ts';

export function QueueScreen({ page }: { readonly page: QueuePage }): ReactNode {
  const { size, nowMs, queue, runner, engine, jobs, hour, groupCount } = useFrame((frame) => {
    const { model } = frame;
    const own = model.queues.find(({ name }) => name === page.queue) ?? null;
    return {
      size: frame.size,
      nowMs: frame.nowMs,
      queue: own,
      runner: own === null ? null : poolOf(model, own),
      engine: model.engine,
      jobs: jobsOf(model, page.queue),
      hour: frame.queueHour.hour,
      groupCount: frame.groupPages.groups.length,
    };
  });
  const width = size.columns;
  const about = { queue, runner, engine, running: jobs.length, hour, width: innerWidth(width), nowMs };
  const lines = aboutLines(about);
  const heights = queuePageLayout(size, lines.length + 2, page.pane);
  const hidden = lines.length - innerHeight(heights.about);
  const more = hidden > 0 ? `${plural(hidden, 'more line')}, Tab shows all` : '';
  // In a small terminal, the other panes are not seen.
  const others = heights.groups === 0 || heights.running === 0 ? 'Tab: running, waiting, failures' : '';
  return (
    <>
      <Panel
        width={width}
        height={heights.about}
        title={aboutTitle(about, page.queue)}
        foot={aboutFoot(more, others, width)}
        isFocused={page.pane === 'about'}
        content={lines.map((line) => clickable(line, { select: pageChange({ pane: 'about' }) }))}
      />
      {heights.running > 0 && <Running page={page} height={heights.running} />}
      {heights.waiting > 0 && (
        <WaitingTable
          height={heights.waiting}
          cursor={page.waiting}
          filter={page.filter}
          isFocused={page.pane === 'waiting'}
        />
      )}
      {heights.groups > 0 && (
        <GroupTable
          height={heights.groups}
          title={[
            span('failures', { bold: true }),
            span(groupCount === 0 ? '' : ` in ${plural(groupCount, 'group')}`),
          ]}
          cursor={page.group}
          hasQueues={false}
          isFocused={page.pane === 'groups'}
          select={(key) => pageChange({ pane: 'groups', group: key })}
          wheel={pageChange({ pane: 'groups' })}
          none="no failures"
        />
      )}
    </>
  );
}

/** Both texts if there is room. */
function aboutFoot(more: string, others: string, width: number): Part[] {
  const texts = [more, others].filter(Boolean);
  const both = span(texts.join('  '), { dim: true });
  const first = span(texts[0] ?? '', { dim: true });
  return texts.length === 0 ? [] : [both.width <= innerWidth(width) - 1 ? both : first];
}

interface PaneProps {
  readonly page: QueuePage;
  readonly height: number;
}

function Running({ page, height }: PaneProps): ReactNode {
  const { jobs, width, nowMs } = useFrame(({ model, size, nowMs: now }) => ({
    jobs: jobsOf(model, page.queue),
    width: size.columns,
    nowMs: now,
  }));
  const isFocused = page.pane === 'running';
  const inner = innerWidth(width);
  const cursor = indexOfKey(
    jobs.map(({ id }) => id),
    page.jobId,
  );
  const none = [lineOf(inner, [span('no running jobs', { dim: true })])];
  return (
    <Panel
      width={width}
      height={height}
      title={[span('running', { bold: true }), span(` ${jobs.length}`)]}
      isFocused={isFocused}
      wheel={pageChange({ pane: 'running' })}
      content={
        jobs.length === 0
          ? none
          : runningLines(jobs, inner, innerHeight(height), isFocused ? cursor : null, nowMs, ({ id }) =>
              pageChange({ pane: 'running', jobId: id }),
            )
      }
    />
  );
}

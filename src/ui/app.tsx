/** The whole screen: header, body, message, keys, and dialogs on top. */
import { Box } from 'ink';
import type { ReactNode } from 'react';
import { showsGroups } from '../store/failure-groups.ts';
import { Help } from './dialogs/help.tsx';
import { Palette } from './dialogs/palette.tsx';
import { QuestionBox } from './dialogs/question.tsx';
import { Canvas } from './frame/canvas.tsx';
import { ScreenContext, type ScreenProps, useFrame } from './frame/use-frame.ts';
import { bodyRows, isTooSmall, type Size, smallest } from './layout/layout.ts';
import { Footer, Prompt } from './panels/footer.tsx';
import { Header } from './panels/header.tsx';
import { MessageLine } from './panels/message-line.tsx';
import { DelayedScreen } from './screens/delayed-screen.tsx';
import { DetailScreen } from './screens/detail-screen.tsx';
import { EventsScreen } from './screens/events-screen.tsx';
import { FailuresScreen } from './screens/failures-screen.tsx';
import { GroupsScreen } from './screens/groups-screen.tsx';
import { JobScreen } from './screens/job-screen.tsx';
import { JobsScreen } from './screens/jobs-screen.tsx';
import { QueueScreen } from './screens/queue-screen.tsx';
import { QueuesScreen } from './screens/queues-screen.tsx';
import { WorkersScreen } from './screens/workers-screen.tsx';
import { lineOf, span } from './text/line.ts';

export function App(props: ScreenProps): ReactNode {
  return (
    <ScreenContext value={props}>
      <Screen />
    </ScreenContext>
  );
}

function Screen(): ReactNode {
  const size = useFrame((frame) => frame.size);
  const { columns, rows } = size;
  return (
    <Box flexDirection="column" width={columns} height={rows}>
      {isTooSmall(size) ? (
        <TooSmall size={size} />
      ) : (
        <>
          <Header />
          <Box flexDirection="column" height={bodyRows(size)} flexShrink={0}>
            <Body />
          </Box>
          <MessageLine />
          <LastRow />
        </>
      )}
      <OpenDialog />
    </Box>
  );
}

/** What is open on top of the tab, or the tab. */
function Body(): ReactNode {
  const tab = useFrame(({ view }) => view.tab);
  const opened = useFrame(({ view }) => view.opened);
  const hasGroups = useFrame(({ view }) => showsGroups(view.failures));
  if (opened?.kind === 'job') return <JobScreen jobId={opened.jobId} />;
  if (opened?.kind === 'queue') return <QueueScreen page={opened} />;
  if (opened !== null) return <DetailScreen opened={opened} />;
  switch (tab) {
    case 'queues':
      return <QueuesScreen />;
    case 'failures':
      return hasGroups ? <GroupsScreen /> : <FailuresScreen />;
    case 'jobs':
      return <JobsScreen />;
    case 'events':
      return <EventsScreen />;
    case 'workers':
      return <WorkersScreen />;
    case 'delayed':
      return <DelayedScreen />;
  }
}

function LastRow(): ReactNode {
  const dialog = useFrame(({ view }) => view.dialog);
  return dialog?.kind === 'prompt' ? <Prompt dialog={dialog} /> : <Footer />;
}

function OpenDialog(): ReactNode {
  const dialog = useFrame(({ view }) => view.dialog);
  const isSmall = useFrame(({ size }) => isTooSmall(size));
  if (dialog?.kind === 'question') return <QuestionBox dialog={dialog} />;
  // In a terminal that is too small, only questions can be answered.
  if (isSmall) return null;
  if (dialog?.kind === 'help') return <Help top={dialog.top} />;
  if (dialog?.kind === 'palette') return <Palette text={dialog.text} cursor={dialog.cursor} />;
  return null;
}

function TooSmall({ size: { columns, rows } }: { readonly size: Size }): ReactNode {
  const lines = [
    lineOf(columns, [
      span(`have ${columns}×${rows}, need ${smallest.columns}×${smallest.rows}`, { bold: true }),
    ]),
    lineOf(columns, [span('q quits', { dim: true })]),
  ];
  return <Canvas width={columns} lines={lines.slice(0, rows)} />;
}

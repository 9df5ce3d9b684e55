/** `status --watch` on a terminal: each status replaces the previous one and is cut to the screen. */
import { clock } from '../../messages/quantities.ts';
import { KeyReader } from '../../ui/keys/key-reader.ts';
import { FrameSink } from '../../ui/terminal/frame-sink.ts';
import { ScreenGuard } from '../../ui/terminal/screen-guard.ts';
import { TerminalOutput } from '../../ui/terminal/terminal-output.ts';
import type { TerminalIo } from '../command-line/io.ts';
import { linePainter } from '../terminal/table.ts';
import type { AwayDocument, StatusDocument } from './document.ts';
import { awayText, statusLines } from './page.ts';
import type { WatchView } from './watch-view.ts';

/** Takes over the screen with the first status. Until then, errors are printed as usual. */
export function openScreenView(io: TerminalIo, intervalMs: number): WatchView {
  const { stdin, stdout } = io;
  let end: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const output = new TerminalOutput(stdout);
  const sink = new FrameSink(output);
  const guard = new ScreenGuard({
    ...{ stdin, stdout, output, canvas: sink, hasMouse: false },
    onSignal: () => end(),
  });
  let seen: StatusDocument | null = null;
  let away: AwayDocument | null = null;
  const paint = () => {
    if (seen === null) return;
    const lines = statusLines(seen, {
      width: sink.columns,
      height: sink.rows,
      paint: linePainter(io),
      remark: `${clock(Date.parse(seen.at))}, every ${intervalMs / 1_000} s, q leaves`,
      ...(away === null ? {} : { trouble: awayText(away) }),
    });
    sink.write(lines.join('\n'));
  };
  const keys = new KeyReader(stdin, (input) => {
    if (!('key' in input)) return;
    if (input.key === 'q' || input.key === 'ctrl+c') end();
    if (input.key === 'ctrl+z') guard.suspend();
    if (input.key === 'ctrl+l') sink.repaint();
  });
  sink.on('resize', paint);
  const takeScreen = () => {
    guard.enter();
    keys.start();
  };
  return {
    show(document) {
      if (seen === null) takeScreen();
      seen = document;
      away = null;
      paint();
      return Promise.resolve();
    },
    showAway(document) {
      away = document;
      paint();
      return Promise.resolve();
    },
    ended,
    close() {
      keys.stop();
      guard.dispose();
      sink.dispose();
    },
  };
}

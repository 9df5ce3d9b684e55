import type { RenderOptions } from 'ink';
import type { FrameSink } from './frame-sink.ts';

/** How Ink has to be called for its frames to reach the terminal through the sink, and for nothing else to. */
export function inkOptions(sink: FrameSink, stdin: NodeJS.ReadStream): RenderOptions {
  return {
    // Ink writes, asks for `columns`, `rows`, `isTTY` and listens for `resize`; it needs nothing else of a stream.
    stdout: sink as unknown as NodeJS.WriteStream,
    stdin,
    // Hands over whole frames, at each commit.
    debug: true,
    // Ctrl-C is a key like others.
    exitOnCtrlC: false,
    // In debug mode it would do nothing; said, so that nobody relies on it.
    patchConsole: false,
    // Else INK_SCREEN_READER=true would make another program of it.
    isScreenReaderEnabled: false,
  };
}

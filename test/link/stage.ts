/** Servers, clients and directories of a test, removed when it ends. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { LinkServer } from '../../src/link/server/server.ts';
import { look } from '../../src/link/sockets/peek.ts';
import { FakeHost } from './fake-host.ts';
import { RawClient } from './raw-client.ts';

/** The last one is called first. Test files share this module, so a hook of its own would be one of the first file only. */
export function afterThis(cleanUp: () => unknown): void {
  onTestFinished(async () => {
    await cleanUp();
  });
}

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'link-'));
  afterThis(() => rmSync(directory, { recursive: true }));
  return directory;
}

export interface Stage {
  readonly host: FakeHost;
  readonly server: LinkServer;
  readonly path: string;
  /** Before its hello. */
  readonly connect: () => RawClient;
  readonly join: (who?: { name?: string; isReadOnly?: boolean }) => Promise<RawClient>;
}

export async function startStage(): Promise<Stage> {
  const host = new FakeHost();
  const { server, path } = await startServer(host, join(temporaryDirectory(), '1.sock'));
  const keep = (client: RawClient) => {
    afterThis(() => client.socket.destroy());
    return client;
  };
  return {
    host,
    server,
    path,
    connect: () => keep(RawClient.at(path)),
    join: async (who) => keep(await RawClient.joined(path, who)),
  };
}

export async function startServer(
  host: FakeHost,
  path: string,
): Promise<{ server: LinkServer; path: string }> {
  const server = new LinkServer(host);
  afterThis(() => server.close());
  await server.listen(path);
  return { server, path };
}

/** Pid of the engine that answers at the path; `undefined` if none does. */
export async function pidAt(path: string): Promise<number | undefined> {
  const found = await look(path);
  return typeof found === 'string' ? undefined : found.pid;
}

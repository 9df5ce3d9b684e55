/** Where the unix socket of a private Redis lies. */
import { createHash } from 'node:crypto';
import { lstat, mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { OperatingError } from '../command-line/exit-codes.ts';

/** The kernel's limit for the path of a socket, without the final NUL: 103 bytes on macOS, 107 on Linux. */
const longestPathBytes = 103;
const noteName = 'socket-path';

/**
 * The socket for the server of this directory: in it, or where its path would be too long, in a directory of
 * our own below the system's temporary one, with a note of that in the server's directory.
 *
 * @param directory absolute, exists
 * @throws OperatingError when the other directory belongs to somebody else
 */
export async function chooseSocket(directory: string): Promise<string> {
  const inside = join(directory, 'redis.sock');
  if (Buffer.byteLength(inside) <= longestPathBytes) return inside;
  // All that share the server need the same, also with a TMPDIR of their own.
  const noted = await noteOfSocket(directory);
  if (noted !== inside) return noted;
  const shelter = join(tmpdir(), `resque-runner-${process.getuid?.() ?? 0}`);
  await mkdir(shelter, { recursive: true, mode: 0o700 });
  if (!(await isOnlyOurs(shelter))) {
    throw new OperatingError(
      `${shelter} belongs to another user or is open to others; remove it, or set TMPDIR`,
    );
  }
  const name = createHash('sha256').update(directory).digest('hex').slice(0, 16);
  const outside = join(shelter, `${name}.sock`);
  await writeFile(join(directory, noteName), outside);
  return outside;
}

/** Where the server's socket is, if one was ever started in this directory; it need not answer. */
export async function noteOfSocket(directory: string): Promise<string> {
  try {
    const path = await readFile(join(directory, noteName), 'utf8');
    // In a temporary directory anyone could wait for us with a server of his own.
    if (await isOnlyOurs(dirname(path))) return path;
  } catch (error) {
    if (
      !(error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
    ) {
      throw error;
    }
  }
  return join(directory, 'redis.sock');
}

async function isOnlyOurs(directory: string): Promise<boolean> {
  const found = await lstat(directory);
  return found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0;
}

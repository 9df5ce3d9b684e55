/**
 * Finds Prometheus' promtool, which checks metrics and alerts. If it is not on PATH, takes it from Debian's package, without
 * installing the package: nothing of the system changes, and no service starts. Kept for the next time.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.mjs';
import { root } from './paths.mjs';
import { runCaptured } from './run-captured.mjs';

const limitSeconds = 30;
const cache = join(root, 'node_modules', '.cache', 'promtool');

/** @returns {Promise<{ program: string } | { whyNot: string }>} */
export async function findPromtool() {
  if ((await runCaptured(['promtool', '--version'])).isOk) return { program: 'promtool' };
  const program = join(cache, 'promtool');
  return await withLock('promtool', async () => {
    if (existsSync(program)) return { program };
    const whyNot = await unpack(program);
    return whyNot === null ? { program } : { whyNot };
  });
}

/**
 * @param {string} program
 * @returns {Promise<string | null>} why it is not there
 */
async function unpack(program) {
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, 'package-'));
  try {
    const limit = ['timeout', String(limitSeconds)];
    const download = await runCaptured([...limit, 'apt-get', '-q', 'download', 'prometheus'], {
      cwd: directory,
    });
    const archive = readdirSync(directory).find((name) => name.endsWith('.deb'));
    if (archive === undefined)
      return `apt-get can't download prometheus within ${limitSeconds} s: ${download.output.trim()}`;
    const unpacked = await runCaptured(['dpkg-deb', '-x', archive, '.'], { cwd: directory });
    if (!unpacked.isOk) return unpacked.output.trim();
    renameSync(join(directory, 'usr', 'bin', 'promtool'), program);
    return null;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

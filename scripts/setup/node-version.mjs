/** Rejects a Node that is too old, before the program or its tools fail with a confusing error. */
import { SetupError } from './setup-error.mjs';

const oldest = [20, 19];

/** @throws {SetupError} if this Node is too old. */
export function assertNodeVersion(version = process.versions.node) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = oldest;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new SetupError(
    `Node ${oldest.join('.')} or newer is required, but \`node\` is ${version}. ` +
      'Install a newer version (https://nodejs.org/en/download, or `nvm install 22`), then try again.',
  );
}

/**
 * Bundles the program into dist/: one entry, and a chunk for every dynamic import, so that a run without the
 * UI never parses React. Bundling is what keeps the process that starts jobs small and quick to start.
 *
 * A run of an earlier build is never broken by a later one: chunks are named by their content, every file
 * appears whole (written aside, then renamed), the entry comes last, and chunks of earlier builds stay for
 * an hour, because a running program may still have to load one.
 *
 * `--prune` drops them at once: a published package holds its own chunks only.
 */
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { withoutFacades } from './bundle/builtin-modules.mjs';
import { packageSavings } from './bundle/package-savings.mjs';
import { mergeSharedChunks } from './bundle/shared-chunks.mjs';
import { hashOfSources } from './setup/build-stamp.mjs';
import { ensureDependencies } from './setup/dependencies.mjs';
import { assertNodeVersion } from './setup/node-version.mjs';
import { buildStampFile, distDirectory, distEntry, isMainModule, root } from './setup/paths.mjs';
import { reportAndExit } from './setup/setup-error.mjs';

const staleChunkAgeMs = 60 * 60 * 1000;

/** CommonJS dependencies call `require` for Node's builtins, which a module has to make for itself. */
const requireBanner =
  "import{createRequire as createRequire_}from'node:module';const require=createRequire_(import.meta.url);";

/**
 * What every bundle of our sources shares: the program's and the benches'.
 *
 * @returns {import('esbuild').BuildOptions}
 */
export function commonBuildOptions() {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return {
    absWorkingDir: root,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    // The UMD builds that `main` names load their parts in ways that no bundler can follow.
    mainFields: ['module', 'main'],
    logLevel: 'warning',
    define: {
      __VERSION__: JSON.stringify(version),
      // React's development build leaks memory. Set here, the value never reaches the jobs' environment.
      'process.env.NODE_ENV': '"production"',
    },
  };
}

/**
 * Ink's devtools.js imports react-devtools-core, which isn't installed and dies without a browser's `self`.
 *
 * @type {import('esbuild').Plugin}
 */
const withoutInkDevtools = {
  name: 'without-ink-devtools',
  setup(build) {
    build.onLoad({ filter: /[\\/]ink[\\/]build[\\/]devtools\.js$/ }, () => ({ contents: 'export {};' }));
  },
};

/**
 * What every bundle with the user interface in it needs besides: the program's, and those of its tests.
 *
 * @returns {import('esbuild').BuildOptions}
 */
export function programBuildOptions() {
  const { define, ...common } = commonBuildOptions();
  return {
    ...common,
    // Yoga asks for it, and needs it only to get its WebAssembly from a server; for the question alone Node loads a whole
    // client for HTTP. Measured: 41 ms of the screen's start on a slow machine, and 7 MB.
    define: { ...define, fetch: 'undefined' },
    splitting: true,
    banner: { js: requireBanner },
    plugins: [withoutInkDevtools, packageSavings(root)],
  };
}

async function build({ prunesAtOnce = false } = {}) {
  // Before esbuild reads them: a source that changes meanwhile makes this build stale, not wrong.
  const stamp = hashOfSources();
  const esbuild = await import('esbuild');
  const main = 'src/cli/main.ts';
  /** @satisfies {import('esbuild').BuildOptions} */
  const options = {
    ...programBuildOptions(),
    entryPoints: { [basename(distEntry, '.js')]: main },
    outdir: distDirectory,
    // Chunks lie beside the entry, so that a path relative to `import.meta.url` means the same in all of them.
    chunkNames: '[name]-[hash]',
    // Names stay whole and lines short, so that a stack trace can be read without a source map. Dropping the
    // whitespace saves 6 ms of each start.
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: 160,
    legalComments: 'none',
  };
  const plugins = [...(options.plugins ?? []), await mergeSharedChunks(esbuild, options, main)];
  const { outputFiles, metafile } = await esbuild.build({
    ...options,
    plugins,
    metafile: true,
    write: false,
  });

  mkdirSync(distDirectory, { recursive: true });
  const codeOf = (/** @type {import('esbuild').OutputFile} */ { text }) => inAscii(withoutFacades(text));
  for (const file of outputFiles) if (file.path !== distEntry) writeWhole(file.path, codeOf(file));
  const entry = outputFiles.find(({ path }) => path === distEntry);
  if (entry === undefined) throw new Error(`esbuild made no ${distEntry}`);
  writeWhole(distEntry, withHashbang(codeOf(entry)), 0o755);
  writeWhole(join(distDirectory, 'meta.json'), JSON.stringify(metafile));
  writeWhole(buildStampFile, stamp);

  const made = new Set(outputFiles.map(({ path }) => basename(path)));
  prune(made, prunesAtOnce ? 0 : staleChunkAgeMs);
}

/**
 * One character beyond Latin-1 makes V8 keep the whole file in two bytes a character. esbuild leaves them in regular
 * expressions alone.
 *
 * @param {string} code
 */
function inAscii(code) {
  return code.replace(
    /[^\0-\x7f]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** @param {string} code */
function withHashbang(code) {
  return code.startsWith('#!') ? code : `#!/usr/bin/env node\n${code}`;
}

/**
 * @param {string} path
 * @param {string | Uint8Array} contents
 */
function writeWhole(path, contents, mode = 0o644) {
  const aside = `${path}.${process.pid}.tmp`;
  writeFileSync(aside, contents);
  chmodSync(aside, mode);
  renameSync(aside, path);
}

/**
 * Removes what earlier or broken-off builds left.
 *
 * @param {Set<string>} made
 * @param {number} olderThanMs
 */
function prune(made, olderThanMs) {
  const now = Date.now();
  for (const name of readdirSync(distDirectory)) {
    if (made.has(name) || !/\.(js|tmp)$/.test(name)) continue;
    const path = join(distDirectory, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat !== undefined && now - stat.mtimeMs >= olderThanMs) removeIfThere(path);
  }
}

/** @param {string} path */
function removeIfThere(path) {
  try {
    unlinkSync(path);
  } catch (error) {
    // Another build was quicker.
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error;
  }
}

if (isMainModule(import.meta.url)) {
  try {
    assertNodeVersion();
    await ensureDependencies();
    await build({ prunesAtOnce: process.argv.includes('--prune') });
  } catch (error) {
    reportAndExit(error);
  }
}

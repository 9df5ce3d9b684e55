/**
 * Bundles the program into dist/: one entry, and a chunk for every dynamic import. A run without the screen never parses
 * React. Bundling keeps the process that starts jobs small, and makes it start quickly.
 *
 * A build never breaks a program that is running from an earlier build:
 * - Chunks are named by their content, and each file is written under another name, then renamed.
 * - The entry is written last.
 * - Chunks of earlier builds stay for an hour, because a running program may still load one.
 *
 * `--prune` deletes them immediately: a published package contains only its own chunks.
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

/** CommonJS dependencies call `require` for Node's builtins. ES modules must create it. */
const requireBanner = 'const require=process.getBuiltinModule("module").createRequire(import.meta.url);';

/**
 * Options for all bundles of our sources: the program and the benches.
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
    // `main` often names a UMD build, which loads its parts in ways that bundlers can't follow.
    mainFields: ['module', 'main'],
    logLevel: 'warning',
    define: {
      __VERSION__: JSON.stringify(version),
      // React's development build leaks memory. This setting does not change the environment of jobs.
      'process.env.NODE_ENV': '"production"',
    },
  };
}

/**
 * Ink's devtools.js imports react-devtools-core, which isn't installed and crashes without a browser's `self`.
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
 * Options for all bundles that contain the screen: the program and its tests.
 *
 * @returns {import('esbuild').BuildOptions}
 */
export function programBuildOptions() {
  const { define, ...common } = commonBuildOptions();
  return {
    ...common,
    // Yoga checks for `fetch`, which it would only use to download its WebAssembly. The check alone makes Node load an
    // HTTP client. Measured on a slow machine: 41 ms of the screen's start, and 7 MB.
    define: { ...define, fetch: 'undefined' },
    splitting: true,
    banner: { js: requireBanner },
    plugins: [withoutInkDevtools, packageSavings(root)],
  };
}

async function build({ prunesAtOnce = false } = {}) {
  // Hash the sources before esbuild reads them: if a source changes during the build, the build counts as stale.
  const stamp = hashOfSources();
  const esbuild = await import('esbuild');
  const main = 'src/cli/main.ts';
  /** @satisfies {import('esbuild').BuildOptions} */
  const options = {
    ...programBuildOptions(),
    entryPoints: { [basename(distEntry, '.js')]: main },
    outdir: distDirectory,
    // Chunks are in the same directory as the entry, so paths relative to `import.meta.url` work in all of them.
    chunkNames: '[name]-[hash]',
    // Keep names and short lines, so that stack traces are readable without a source map. Removing white space saves 6 ms
    // of each start.
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
  const codeOf = (/** @type {import('esbuild').OutputFile} */ { text }) =>
    inAscii(withoutFacades(withoutUnusedBanner(text)));
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
 * Few chunks call `require`. Creating it takes 0.1 ms.
 *
 * @param {string} code
 */
function withoutUnusedBanner(code) {
  const rest = code.replace(requireBanner, '');
  return /\brequire\b/.test(rest) ? code : rest;
}

/**
 * Escapes characters beyond ASCII: a single one beyond Latin-1 makes V8 store the whole file with two bytes per character.
 * esbuild doesn't escape them in regular expressions.
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
 * Removes files of earlier and interrupted builds.
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
    // Another build has removed it.
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

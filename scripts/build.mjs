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
 * What packages do when they are loaded, and every start of the program would pay for, although it hardly ever needs it:
 *
 * - meow comes in one file with all that it uses, and prepares what normalizes a package.json: lists of licenses, URLs
 *   of hosts, versions. It is given its package's name and never asked for more; without that one call nobody uses the
 *   rest, and it stays out of the bundle. Measured: 35 of 110 ms beyond Node's own start, on a slow machine.
 * - string-width makes a set of all emoji sequences, and what finds where characters end. Texts rarely have need of either.
 *   Measured there: 22 and 19 ms.
 *
 * @type {{ file: string, code: string, instead: string }[]}
 */
const startSavings = [
  {
    file: 'node_modules/meow/build/dependencies.js',
    code: 'var normalizeExports = requireNormalize();',
    instead: 'var normalizeExports = () => {};',
  },
  {
    file: 'node_modules/string-width/index.js',
    code: 'const segmenter = new Intl.Segmenter();',
    instead: `
      let graphemes;
      const segmenter = { segment: (text) => (graphemes ??= new Intl.Segmenter()).segment(text) };`,
  },
  {
    file: 'node_modules/string-width/index.js',
    code: 'const rgiEmojiRegex = /^\\p{RGI_Emoji}$/v;',
    instead: `
      // All of those sequences have at least one of these.
      const emojiPart = /[\\p{Emoji_Presentation}\\p{Extended_Pictographic}\\p{Regional_Indicator}\\u20E3]/u;
      let rgiEmoji;
      const rgiEmojiRegex = {
        test: (text) => emojiPart.test(text) && (rgiEmoji ??= new RegExp('^\\\\p{RGI_Emoji}$', 'v')).test(text),
      };`,
  },
];

/** @type {import('esbuild').Plugin} */
const withStartSavings = {
  name: 'with-start-savings',
  setup(build) {
    // Other packages may have versions of their own, which other files lie in.
    build.onLoad({ filter: /[\\/]node_modules[\\/](?:meow|string-width)[\\/]/ }, ({ path }) => {
      const savings = startSavings.filter(({ file }) => path === join(root, file));
      if (savings.length === 0) return null;
      let contents = readFileSync(path, 'utf8');
      for (const { code, instead } of savings) {
        const [before, ...after] = contents.split(code);
        if (after.length !== 1) {
          throw new Error(
            `${path} is not what it was: see what it does when it is loaded, and mend startSavings`,
          );
        }
        contents = `${before}${instead}${after[0]}`;
      }
      return { contents };
    });
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
    plugins: [withoutInkDevtools, withStartSavings],
  };
}

async function build({ prunesAtOnce = false } = {}) {
  // Before esbuild reads them: a source that changes meanwhile makes this build stale, not wrong.
  const stamp = hashOfSources();
  const esbuild = await import('esbuild');
  const { outputFiles, metafile } = await esbuild.build({
    ...programBuildOptions(),
    entryPoints: { [basename(distEntry, '.js')]: 'src/cli/main.ts' },
    outdir: distDirectory,
    // Chunks lie beside the entry, so that a path relative to `import.meta.url` means the same in all of them.
    chunkNames: '[name]-[hash]',
    // Names stay whole and lines short, so that a stack trace can be read without a source map. Dropping the
    // whitespace saves 6 ms of each start.
    minifySyntax: true,
    minifyWhitespace: true,
    lineLimit: 160,
    legalComments: 'none',
    metafile: true,
    write: false,
  });

  mkdirSync(distDirectory, { recursive: true });
  const load = oneByOne(metafile, 'src/cli/run/run.ts');
  for (const { path, contents, text } of outputFiles) {
    if (path === distEntry) continue;
    const hasCall = load !== null && text.includes(load.call);
    writeWhole(path, hasCall ? text.replaceAll(load.call, load.instead) : contents);
  }
  const entry = outputFiles.find(({ path }) => path === distEntry);
  if (entry === undefined) throw new Error(`esbuild made no ${distEntry}`);
  writeWhole(distEntry, withHashbang(entry.text), 0o755);
  writeWhole(join(distDirectory, 'meta.json'), JSON.stringify(metafile));
  writeWhole(buildStampFile, stamp);

  const made = new Set(outputFiles.map(({ path }) => basename(path)));
  prune(made, prunesAtOnce ? 0 : staleChunkAgeMs);
}

/**
 * Node opens all files that a module imports at the same time. A runner's are more than a process with few descriptors has
 * left, and its start would fail: so it opens them one after the other. Measured: 312 ms to start and drain beside 324 ms,
 * the medians of 20 runs each.
 *
 * @param {import('esbuild').Metafile} metafile
 * @param {string} source that is imported dynamically
 * @returns {{ call: string, instead: string } | null} the call that imports it, and what imports its parts first; `null`
 * if there is none
 */
function oneByOne({ outputs }, source) {
  const entry = Object.keys(outputs).find((path) => outputs[path]?.entryPoint === source);
  if (entry === undefined) return null;
  /** @type {Set<string>} */
  const seen = new Set();
  /** @type {string[]} */
  const inOrder = [];
  const visit = (/** @type {string} */ path) => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const { path: imported, kind } of outputs[path]?.imports ?? []) {
      if (kind === 'import-statement' && imported in outputs) visit(imported);
    }
    inOrder.push(`./${basename(path)}`);
  };
  visit(entry);
  const call = `import("./${basename(entry)}")`;
  const files = JSON.stringify(inOrder.slice(0, -1));
  return {
    call,
    instead: `(async()=>{for(const file of ${files})await import(file);return await ${call}})()`,
  };
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

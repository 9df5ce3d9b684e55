/**
 * Reads the bundler's metafile to find the code that a process loads: everything that the entry imports at its start, and
 * the imports of each part that is loaded later.
 */

/** The part of esbuild's metafile that this file reads. */
export interface Metafile {
  readonly outputs: Readonly<Record<string, BundledFile>>;
}

interface BundledFile {
  /** The source of an entry; chunks of shared code have none. */
  readonly entryPoint?: string;
  /** By source path. */
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly imports: readonly { readonly path: string; readonly kind: string; readonly external?: boolean }[];
}

type ImportKind = 'at start' | 'ever';

/** Sources and packages that a file loads: at its start, or ever. */
export function loadedWith(metafile: Metafile, file: string, kind: ImportKind): string[] {
  return filesLoadedWith(metafile, file, kind).flatMap((path) =>
    Object.keys(metafile.outputs[path]?.inputs ?? {}),
  );
}

/** The same, as files of the bundle. */
export function filesLoadedWith(metafile: Metafile, file: string, kind: ImportKind): string[] {
  const seen = new Set<string>();
  const visit = (path: string) => {
    const bundled = metafile.outputs[path];
    if (bundled === undefined || seen.has(path)) return;
    seen.add(path);
    for (const { path: next, kind: how, external } of bundled.imports) {
      if (external !== true && (kind === 'ever' || how !== 'dynamic-import')) visit(next);
    }
  };
  visit(file);
  return [...seen];
}

const isOfUi = (input: string) =>
  /(^|\/)node_modules\/(react|react-reconciler|ink|yoga-layout)\/|^src\/ui\//.test(input);
/** Other code may use the rest of that folder: `demo` searches PATH like the engine. */
const isOfEngine = (input: string) => input === 'src/engine/engine.ts';

/**
 * Finds violations of the promise that a process without a screen never loads the screen's code: the program's entry must
 * not load it at its start, and a part that loads the engine must never load it.
 */
export function uiInHeadlessProcesses(metafile: Metafile): string[] {
  const found: string[] = [];
  for (const [file, { entryPoint }] of Object.entries(metafile.outputs)) {
    if (entryPoint === undefined) continue;
    const atStart = loadedWith(metafile, file, 'at start');
    const isMain = entryPoint === 'src/cli/main.ts';
    if (!isMain && !atStart.some(isOfEngine)) continue;
    const loaded = isMain ? atStart : loadedWith(metafile, file, 'ever');
    const ui = loaded.find(isOfUi);
    if (ui !== undefined) found.push(`${entryPoint} loads ${ui}`);
  }
  return found;
}

/**
 * Queue names and patterns as Resque reads them in `QUEUES`: a comma list of names, globs and `!` negations.
 * Each glob expands in place to the sorted matching names, then duplicates go.
 *
 * Source: `Resque::WorkerQueueList` and Ruby's `File.fnmatch?` without flags: case-sensitive, `*` crosses `/`
 * and `:` and skips names that start with a dot, `{a,b}` is literal.
 */
export interface QueueList {
  readonly text: string;
  /** Queues that it names exactly. */
  readonly names: readonly string[];
  /** The patterns in it. */
  readonly patterns: readonly string[];
  /** Whether the list depends on which queues exist. */
  readonly isDynamic: boolean;
  /**
   * The queues, in order. A pattern also means the queue with exactly that name: names may contain `*`, and such a
   * queue must be worked even if it is not on the list of queues.
   *
   * @param known names of the queues that exist, in any order
   */
  expand(known: readonly string[]): readonly string[];
}

export function queueList(text: string): QueueList {
  // A single name is taken as it stands, spaces and all.
  const parts = text.includes(',') ? text.split(',').map((part) => part.trim()) : [text];
  const wanted = parts.filter((part) => part !== '' && !part.startsWith('!'));
  const refused = parts.filter((part) => part.startsWith('!')).map((part) => globPattern(part.slice(1)));
  const isDynamic = wanted.some(isGlob);
  return {
    text,
    names: wanted.filter((part) => !isGlob(part)),
    patterns: wanted.filter(isGlob),
    isDynamic,
    expand(known) {
      const sorted = isDynamic ? [...known].sort() : [];
      const names = new Set<string>();
      for (const part of wanted) {
        if (isGlob(part)) {
          const pattern = globPattern(part);
          for (const name of sorted) if (pattern.test(name)) names.add(name);
        }
        if (!isGlob(part) || part !== '*') names.add(part);
      }
      return [...names].filter((name) => !refused.some((pattern) => pattern.test(name)));
    },
  };
}

function isGlob(text: string): boolean {
  return /[*?[]/.test(text);
}

/** fnmatch as a regular expression: `*`, `?`, `[abc]`, `[^abc]`, `[a-z]`, and `\\` before any of them. */
function globPattern(glob: string): RegExp {
  let source = '';
  for (let at = 0; at < glob.length; at += 1) {
    const char = glob.charAt(at);
    const close = char === '[' ? glob.indexOf(']', at + 2) : -1;
    if (char === '*') source += at === 0 ? '(?!\\.)[^]*' : '[^]*';
    else if (char === '?') source += at === 0 ? '[^.]' : '[^]';
    else if (close !== -1) {
      const body = glob
        .slice(at + 1, close)
        .replace(/^!/, '^')
        .replace(/[\\\]]/g, '\\$&');
      source += at === 0 ? `(?!\\.)[${body}]` : `[${body}]`;
      at = close;
    } else {
      if (char === '\\' && at + 1 < glob.length) at += 1;
      source += glob.charAt(at).replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
    }
  }
  try {
    return new RegExp(`^${source}$`, 'u');
  } catch (error) {
    // A bracket that is not a class (`[z-a]`) matches only itself.
    if (!(error instanceof SyntaxError)) throw error;
    return new RegExp(`^${glob.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')}$`);
  }
}

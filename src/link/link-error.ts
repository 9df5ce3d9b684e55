/**
 * A link that doesn't come about, for a reason outside the program: the message is for people and says what
 * to do, the code is for programs.
 */
export class LinkError extends Error {
  override readonly name = 'LinkError';
  readonly code: LinkErrorCode;

  constructor(code: LinkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * `absent`: nothing listens there; `refused`: an engine does and wants no link; `version`: it is of another
 * release; `timeout`: it doesn't answer; `broken`: the link ended, or what answers is no engine; `unusable`: a
 * path, directory or descriptor can't be used.
 */
export type LinkErrorCode = 'absent' | 'refused' | 'version' | 'timeout' | 'broken' | 'unusable';

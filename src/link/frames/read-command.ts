/** A command that reaches the engine has exactly the fields of its type, each of the right type and within its limits. */
import { safeParse } from 'valibot';
import { type Command, type CommandType, commandTable } from '../../protocol/commands.ts';
import { linkMessages } from '../link-errors.ts';

/** @returns the command, or its problem, for people */
export function readCommand(value: unknown): Command | string {
  if (typeof value !== 'object' || value === null || !('type' in value)) return linkMessages.noCommand();
  const { type, ...fields } = value;
  if (typeof type !== 'string') return linkMessages.noCommand();
  if (!isCommandType(type)) return linkMessages.unknownCommand(type);
  const { issues, output } = safeParse(commandTable[type].shape, fields, { abortEarly: true });
  // The shape is the one of this type, so the output has its fields.
  if (issues === undefined) return { type, ...(output as object) } as Command;
  const [{ path = [], expected, received, message }] = issues;
  const field = path.map(({ key }) => String(key)).join('.');
  if (expected === 'never') return linkMessages.unknownField(type, field);
  return received === 'undefined'
    ? linkMessages.missingField(type, field)
    : linkMessages.wrongCommandField(type, field, message);
}

function isCommandType(type: string): type is CommandType {
  return Object.hasOwn(commandTable, type);
}

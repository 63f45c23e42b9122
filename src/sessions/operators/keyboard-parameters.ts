/** The buttons that an operator offers, checked: apps die of a keyboard that is not complete. */
import type { Button, KeyboardData } from '../../domain/keyboard.ts';
import { type Parameters, wrong } from '../../protocol/parameters.ts';

const MAX_BUTTONS = 100;
const MAX_TEXT = 200;

/** `[[{id, text}, …], …]`: rows of buttons with ids of their own. Throws `wrong-argument-value`. */
export function readButtons(parameters: Parameters): KeyboardData['buttons'] {
  const rows = parameters.optionalJson('buttons', 100_000);
  if (!Array.isArray(rows) || rows.length === 0) throw wrong('buttons', 'rows of {id, text} are expected');
  const buttons = rows.map((row: unknown) => {
    if (!Array.isArray(row) || row.length === 0) throw wrong('buttons', 'a row is an array of {id, text}');
    return row.map(readButton);
  });
  const ids = buttons.flat().map(({ id }) => id);
  if (ids.length > MAX_BUTTONS) throw wrong('buttons', `at most ${MAX_BUTTONS} buttons`);
  if (new Set(ids).size < ids.length) throw wrong('buttons', 'ids must differ');
  return buttons;
}

function readButton(button: unknown): Button {
  const { id, text } = (typeof button === 'object' && button !== null ? button : {}) as { readonly id?: unknown; readonly text?: unknown };
  const isText = (value: unknown): value is string => typeof value === 'string' && value !== '' && value.length <= MAX_TEXT;
  if (!isText(id) || !isText(text)) throw wrong('buttons', `id and text are texts of at most ${MAX_TEXT} characters`);
  return { id, text };
}

const controls = /[\0-\x1f\x7f-\x9f]/g;

/**
 * A text that somebody else has chosen, as one line that cannot speak to the terminal: a backend's agent, say, could send
 * it escape sequences. Each control character, line breaks included, is a question mark.
 */
export function plain(text: string): string {
  return text.replace(controls, '?');
}

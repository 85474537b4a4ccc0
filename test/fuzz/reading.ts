/** One message as a parser read it from a stream of bytes. */
export interface Message {
  /** `METHOD target minor` of a request, `status minor` of a response. */
  readonly line: string;
  /** Names and values in turn, in the order they came. */
  readonly fields: readonly string[];
  /** The data of the body without its framing. */
  data: string;
  complete: boolean;
  /** False when the connection ends with this message. */
  readonly persistent: boolean;
}

/** What a parser made of a stream of bytes. */
export interface Reading {
  /** The messages in turn; only the last one may be incomplete. */
  readonly messages: readonly Message[];
  /** Why the parser refused what follows them; '' when it did not. */
  readonly refused: string;
}

/** Says where two messages differ, '' when they do not. */
function differenceOf(a: Message, b: Message): string {
  if (a.line !== b.line) return `start lines ${JSON.stringify([a.line, b.line])}`;
  if (a.fields.length !== b.fields.length || a.fields.some((text, i) => text !== b.fields[i])) {
    return `fields ${JSON.stringify([a.fields, b.fields])}`;
  }
  if (a.data !== b.data) return `data ${JSON.stringify([a.data, b.data])}`;
  if (a.complete !== b.complete) return `one is complete: ${[a.complete, b.complete]}`;
  return a.persistent === b.persistent ? '' : `persistence ${[a.persistent, b.persistent]}`;
}

/** Says where two readings differ, '' when they do not. */
export function readingDifference(a: Reading, b: Reading): string {
  if (a.refused !== b.refused) return `refused: ${JSON.stringify([a.refused, b.refused])}`;
  if (a.messages.length !== b.messages.length) return `${[a.messages.length, b.messages.length]} messages`;
  return messagesDifference(a.messages, b.messages);
}

function messagesDifference(a: readonly Message[], b: readonly Message[]): string {
  for (let i = 0; i < a.length; i++) {
    const difference = b[i] === undefined ? 'missing' : differenceOf(a[i]!, b[i]!);
    if (difference !== '') return `message ${i}: ${difference}`;
  }
  return '';
}

/** As a message that others may keep the connection after, if `other` says that it ends here: we may end it sooner. */
function endingAsSoon(message: Message, other: Message | undefined): Message {
  return message.persistent || other === undefined ? message : { ...message, persistent: other.persistent };
}

/**
 * Says how our reading differs from the oracle's in a way that could be abused; '' when it does not. To refuse what the
 * oracle takes is no danger, nor to close sooner: then only what we took before counts, and of a message that broke off
 * only its head, since neither side takes it for whole. `settled` says that nothing more of the text is to be read: we
 * neither wait for the rest of a head nor ignore what is behind the last message.
 */
export function dangerousDifference(own: Reading, oracle: Reading, settled: boolean): string {
  const { messages, refused } = own;
  const last = messages.at(-1);
  const begun = last?.complete === false ? messages.length - 1 : messages.length;
  const theirs = oracle.messages;
  const whole = messages.slice(0, begun).map((message, i) => endingAsSoon(message, theirs[i]));
  const difference = messagesDifference(whole, theirs);
  if (difference !== '') return difference;
  if (last?.complete === false) {
    if (theirs[begun] === undefined) return 'only the oracle refuses the head of the last message';
    if (refused === '')
      return oracle.refused || messagesDifference([endingAsSoon(last, theirs[begun])], [theirs[begun]]);
    const { data, complete } = last;
    return messagesDifference([endingAsSoon(last, theirs[begun])], [{ ...theirs[begun], data, complete }]);
  }
  if (refused !== '' || last?.persistent === false) return '';
  if (theirs.length > messages.length) return `${[messages.length, theirs.length]} messages`;
  return settled && oracle.refused !== '' ? `only the oracle refuses: ${oracle.refused}` : '';
}

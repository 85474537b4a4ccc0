import { useCallback, useRef, useState } from 'preact/hooks';

const watched = new WeakMap<Element, (visible: boolean) => void>();

/** One observer for all: rows by the hundred are cheap that way. */
const observer = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) watched.get(target)?.(isIntersecting);
  },
  { rootMargin: '80px' },
);

/** What makes an element the one that is meant; and whether that is on the screen, or nearly. */
export function useVisible<E extends Element>(): readonly [(element: E | null) => void, boolean] {
  const [visible, setVisible] = useState(false);
  const current = useRef<E | null>(null);
  const attach = useCallback((element: E | null) => {
    if (current.current !== null) observer.unobserve(current.current);
    current.current = element;
    if (element === null) return;
    watched.set(element, setVisible);
    observer.observe(element);
  }, []);
  return [attach, visible];
}

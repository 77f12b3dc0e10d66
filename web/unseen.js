// Whether nobody can see this page: its tab is hidden, or the host application has closed the panel that its
// frame is in. A closed panel is heard of like a hidden tab, as `visibilitychange` of the document.

let isClosed = false;

/** Whether nobody can see this page now. */
export const isUnseen = () => document.hidden || isClosed;

/**
 * The panel around this page was opened or closed.
 * @param {boolean} isShown
 */
export function setShown(isShown) {
  if (isClosed !== isShown) return;
  isClosed = !isShown;
  document.dispatchEvent(new Event('visibilitychange'));
}

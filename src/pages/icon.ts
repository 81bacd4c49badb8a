/** A cup with a brim. */
const SHAPES =
  '<path d="M9 9h14l3 18H6z" fill="#8ab8f8"/><path d="M9 9q0-5 7-5t7 5z" fill="#4d8fe6"/>' +
  '<path d="M5 26h22v3H5z" fill="#0b57b0"/>' +
  '<path d="M12 13h1m3 0h1m3 0h1M11 17h1m4 0h1m4 0h1M11 21h1m4 0h1m4 0h1" stroke="#0b57b0" stroke-width="2" stroke-linecap="round"/>';

const svg = (attributes: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"${attributes}>${SHAPES}</svg>`;

/** The icon of the pages, to be drawn in one and to be named by one. */
export const ICON = {
  svg: svg(' width="64" height="64" aria-hidden="true"'),
  address: `data:image/svg+xml,${encodeURIComponent(svg(""))}`,
};

export const ELLIPSIS = "...";

export function slug(title) {
  return title.trim().toLowerCase().replaceAll(" ", "-");
}

export function truncate(text, length) {
  return text.length > length ? text.slice(0, length) + ELLIPSIS : text;
}

export function initials(name) {
  return name
    .split(" ")
    .map((word) => word[0].toUpperCase())
    .join("");
}

export function plural(count, word) {
  return count === 1 ? `1 ${word}` : `${count} ${word}s`;
}

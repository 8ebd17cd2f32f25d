const DAY = 86400000;

export function daysBetween(start, end) {
  return Math.round((Date.parse(end) - Date.parse(start)) / DAY);
}

export function isLeapYear(year) {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}

export function quarter(date) {
  const month = Number(date.slice(5, 7));
  return Math.ceil(month / 3);
}

export function isWeekend(date) {
  const day = new Date(date).getUTCDay();
  return day === 0 || day === 6;
}

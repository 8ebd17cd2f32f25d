/**
 * Cities and their time zones. In: a city as people write it ("São Paulo", "new york, usa"). Out: an IANA zone. Most cities are named
 * by their zone already (Europe/Oslo); the table has capitals and large cities that are not.
 */
import { ToolError } from "./tool-error.ts";

/** Zone: cities that keep its time. */
const MORE_CITIES: Readonly<Record<string, string>> = {
  "Africa/Abidjan": "Yamoussoukro",
  "Africa/Cairo": "Alexandria, Giza",
  "Africa/Casablanca": "Rabat, Marrakesh, Marrakech, Fes, Tangier",
  "Africa/Dar_es_Salaam": "Dodoma",
  "Africa/Johannesburg": "Pretoria, Cape Town, Durban, Bloemfontein, Soweto",
  "Africa/Lagos": "Abuja, Ibadan, Kano",
  "Africa/Nairobi": "Mombasa",
  "America/Argentina/Buenos_Aires": "Cordoba, Rosario, Mendoza",
  "America/Bogota": "Medellin, Cali, Cartagena, Barranquilla",
  "America/Chicago":
    "Houston, Dallas, Austin, San Antonio, Minneapolis, St Louis, New Orleans, Milwaukee, Kansas City, Nashville, Memphis, Oklahoma City, Omaha",
  "America/Denver": "Salt Lake City, Albuquerque, Colorado Springs, Santa Fe",
  "America/Edmonton": "Calgary",
  "America/Guayaquil": "Quito",
  "America/Halifax": "Fredericton",
  "America/La_Paz": "Sucre, Santa Cruz de la Sierra",
  "America/Lima": "Cusco, Arequipa",
  "America/Los_Angeles": "San Francisco, San Diego, Seattle, Portland, Las Vegas, San Jose, Sacramento, Oakland, LA",
  "America/Mexico_City": "Guadalajara, Puebla, Oaxaca",
  "America/New_York":
    "Washington, Washington DC, Boston, Philadelphia, Miami, Atlanta, Orlando, Tampa, Charlotte, Pittsburgh, Cleveland, Columbus, Baltimore, Buffalo, Brooklyn, NYC",
  "America/Phoenix": "Tucson",
  "America/Sao_Paulo": "Rio de Janeiro, Brasilia, Curitiba, Porto Alegre, Belo Horizonte",
  "America/Toronto": "Ottawa, Montreal, Quebec City, Quebec, Hamilton",
  "America/Vancouver": "Victoria BC",
  "America/Winnipeg": "Brandon",
  "Asia/Dhaka": "Chittagong",
  "Asia/Dubai": "Abu Dhabi, Sharjah",
  "Asia/Ho_Chi_Minh": "Hanoi, Saigon, Da Nang",
  "Asia/Jerusalem": "Tel Aviv, Haifa",
  "Asia/Karachi": "Islamabad, Lahore, Rawalpindi, Faisalabad",
  "Asia/Kathmandu": "Pokhara",
  "Asia/Kolkata":
    "Mumbai, Delhi, New Delhi, Bangalore, Bengaluru, Chennai, Hyderabad, Pune, Ahmedabad, Jaipur, Calcutta, Bombay, Lucknow, Goa",
  "Asia/Makassar": "Bali, Denpasar",
  "Asia/Jakarta": "Bandung, Surabaya, Yogyakarta",
  "Asia/Riyadh": "Jeddah, Mecca, Medina",
  "Asia/Seoul": "Busan, Incheon",
  "Asia/Shanghai": "Beijing, Guangzhou, Shenzhen, Chengdu, Wuhan, Nanjing, Xi'an, Hangzhou, Tianjin, Chongqing, Suzhou",
  "Asia/Tashkent": "Bukhara",
  "Asia/Tokyo": "Osaka, Kyoto, Yokohama, Nagoya, Sapporo, Fukuoka, Kobe, Hiroshima",
  "Asia/Yangon": "Naypyidaw",
  "Atlantic/Canary": "Las Palmas, Tenerife",
  "Australia/Perth": "Fremantle",
  "Australia/Sydney": "Canberra, Newcastle NSW",
  "Australia/Brisbane": "Gold Coast, Cairns",
  "Europe/Amsterdam": "Rotterdam, The Hague, Utrecht, Eindhoven",
  "Europe/Athens": "Thessaloniki, Patras",
  "Europe/Berlin":
    "Munich, Hamburg, Cologne, Frankfurt, Stuttgart, Leipzig, Dresden, Dusseldorf, Bonn, Bremen, Hanover, Nuremberg, Heidelberg",
  "Europe/Brussels": "Antwerp, Ghent, Bruges, Liege, Leuven",
  "Europe/Bucharest": "Cluj, Cluj-Napoca, Timisoara, Iasi",
  "Europe/Copenhagen": "Aarhus, Odense, Aalborg",
  "Europe/Dublin": "Cork, Galway, Limerick",
  "Europe/Helsinki": "Tampere, Turku, Espoo, Oulu",
  "Europe/Istanbul": "Ankara, Izmir, Antalya, Bursa",
  "Europe/Kyiv": "Kyiv, Kiev, Kharkiv, Odesa, Lviv",
  "Europe/Lisbon": "Porto, Braga, Coimbra, Faro",
  "Europe/London": "Edinburgh, Glasgow, Manchester, Birmingham, Liverpool, Cardiff, Leeds, Bristol, Cambridge, Oxford, Sheffield",
  "Europe/Madrid": "Barcelona, Valencia, Seville, Bilbao, Malaga, Granada, Zaragoza",
  "Europe/Moscow": "Saint Petersburg, St Petersburg",
  "Europe/Oslo": "Bergen, Trondheim, Stavanger, Tromso",
  "Europe/Paris": "Lyon, Marseille, Nice, Toulouse, Bordeaux, Strasbourg, Lille, Nantes, Grenoble",
  "Europe/Prague": "Brno, Ostrava",
  "Europe/Rome": "Milan, Naples, Turin, Florence, Venice, Bologna, Palermo, Genoa",
  "Europe/Stockholm": "Gothenburg, Malmo, Uppsala",
  "Europe/Vienna": "Salzburg, Graz, Innsbruck, Linz",
  "Europe/Warsaw": "Krakow, Gdansk, Wroclaw, Poznan, Lodz",
  "Europe/Zurich": "Geneva, Bern, Basel, Lausanne, Lucerne",
  "Pacific/Auckland": "Wellington, Christchurch, Queenstown",
  "Pacific/Honolulu": "Hilo",
};

/** Longer than any city's name. */
const MAX_CITY_LENGTH = 80;

let table: ReadonlyMap<string, string> | undefined;

/** The time zone of a city, or of an IANA name such as `Asia/Tokyo` or `UTC`. @throws ToolError `tool/unknown-city` */
export function zoneOfCity(city: string): string {
  table ??= buildTable();
  const name = normal(city.slice(0, MAX_CITY_LENGTH));
  const zone = table.get(name) ?? table.get(normal(city.slice(0, MAX_CITY_LENGTH).split(",")[0] ?? ""));
  if (zone === undefined) throw new ToolError("tool/unknown-city", `unknown city: ${city.slice(0, MAX_CITY_LENGTH)}`);
  return zone;
}

function buildTable(): Map<string, string> {
  const built = new Map<string, string>([
    ["utc", "UTC"],
    ["gmt", "UTC"],
  ]);
  for (const zone of Intl.supportedValuesOf("timeZone")) {
    built.set(normal(zone), zone);
    built.set(normal(zone.slice(zone.lastIndexOf("/") + 1)), zone);
  }
  for (const [zone, cities] of Object.entries(MORE_CITIES)) for (const city of cities.split(", ")) built.set(normal(city), zone);
  return built;
}

/** Without accents, case, underscores and punctuation, so that `São Paulo`, `sao_paulo` and `SAO PAULO` are one. */
function normal(name: string): string {
  return name
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .replace(/ø/gi, "o")
    .replace(/ł/gi, "l")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}/]+/gu, " ")
    .trim();
}

import { processorFeatures } from "./key.ts";

const CPUINFO = `processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 167
model name\t: Intel(R) Xeon(R)
cpu MHz\t\t: 2600.000
flags\t\t: fpu avx2 avx512f
bogomips\t: 5200.00

processor\t: 1
flags\t\t: fpu
`;

test("a processor is what it can do, not how fast it runs now", () => {
  expect(processorFeatures(CPUINFO)).toEqual([
    "vendor_id : GenuineIntel",
    "cpu family : 6",
    "model : 167",
    "model name : Intel(R) Xeon(R)",
    "flags : fpu avx2 avx512f",
  ]);
  expect(processorFeatures(CPUINFO.replace("2600.000", "800.000"))).toEqual(processorFeatures(CPUINFO));
  expect(processorFeatures(CPUINFO.replace(" avx512f", ""))).not.toEqual(processorFeatures(CPUINFO));
});

test("ARM tells its features under other names", () => {
  expect(processorFeatures("processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd i8mm\nCPU part\t: 0xd0c\n")).toEqual([
    "Features : fp asimd i8mm",
    "CPU part : 0xd0c",
  ]);
  expect(processorFeatures("")).toEqual([]);
});

#!/usr/bin/env node
import "../dist/fit-main.js";

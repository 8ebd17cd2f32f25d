#!/usr/bin/env node
import "../dist/parse-cases-main.js";

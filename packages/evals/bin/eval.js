#!/usr/bin/env node
import "../dist/eval-main.js";

#!/usr/bin/env bash
# readr 2.1.4 of Debian 12 (R 4.2.2); needs the packages r-base-core and r-cran-readr.
#
# `read_csv()` takes the type of a column from a thousand rows spread over the file. A column that is empty in all of
# these becomes logical, and a text that stands in another row is NA afterwards: a warning says that there are parsing
# issues, and `problems()` has the text. `guess_max = Inf`, or `col_types`, keeps it.
#
# Seen, of 60,000 rows with an error in row 59,000: 0 errors and 1 problem; with guess_max = Inf 1 error and no problem.
set -eu
command -v Rscript > /dev/null || { echo 'Rscript is not here.'; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
awk 'BEGIN { print "id,error"; for (i = 1; i <= 60000; i++) print i "," (i == 59000 ? "too long" : "") }' > answers.csv
cat > show.R <<'R'
suppressMessages(library(readr))
for (most in c(1000, Inf)) {
  read <- suppressWarnings(read_csv("answers.csv", guess_max = most, show_col_types = FALSE, progress = FALSE))
  cat(sum(!is.na(read$error)), nrow(problems(read)), "\n")
}
R
seen=$(Rscript show.R)
echo "$seen"
[ "$seen" = $'0 1 \n1 0 ' ]

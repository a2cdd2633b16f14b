# Compares branches that no test has taken with those that tests/coverage/exceptions gives a reason for.
#   awk -f judge.awk exceptions lines.tsv      lines: file, function, line, branches, those never taken
#   awk -v areas="proto agent/core" …          exceptions of other areas are let be
# Prints what is untaken and has no reason, exceptions that are needed no more, and a table.
# Exit code 0 only if there are none of either. The kind "owed" is shown apart: a test is missing.
BEGIN { FS = "\t" }

function fail(text) {
    print FILENAME ":" FNR ": " text
    is_wrong = 1
}

function area_of(file) {
    sub(/\/[^\/]*$/, "", file)
    return file
}

function is_measured(file) {
    return areas == "" || index(" " areas " ", " " area_of(file) " ") > 0
}

# "2", or "0-2" where one run takes what another does not
function read_exception(text, words, bounds, kind, key) {
    split(text, words, / +/)
    kind = words[3]
    if (!(kind in kinds)) {
        fail("no kind '" kind "': kinds are given a sentence at the top, as in: kind NAME SENTENCE")
    }
    if (words[2] !~ /^[0-9]+(-[0-9]+)?$/ || words[4] == "") {
        fail("expected: FUNCTION NUMBER KIND REASON; found: " text)
        return
    }
    if (current == "") {
        fail("no file above it")
    }
    split(words[2], bounds, "-")
    key = current SUBSEP words[1]
    least[key] += bounds[1]
    most[key] += bounds[2] == "" ? bounds[1] : bounds[2]
    if (kind == "owed") {
        owing[key] += bounds[2] == "" ? bounds[1] : bounds[2]
    }
    where[key] = where[key] (where[key] == "" ? "" : ", ") FNR
}

FNR == NR {
    if ($0 ~ /^(#|[ ]*$)/) {
        next
    } else if ($0 ~ /^kind /) {
        split($0, named, " ")
        kinds[named[2]] = 1
    } else if ($0 ~ /^ /) {
        sub(/^ +/, "")
        read_exception($0)
    } else {
        current = $0
    }
    next
}

{
    key = $1 SUBSEP $2
    branches[area_of($1)] += $4
    branches_of[key] = 1
    untaken[key] += $5
    if ($5 > 0) {
        lines[key] = lines[key] "    " $1 ":" $3 " " $2 ": " $5 " of " $4 "\n"
    }
}

END {
    for (key in untaken) {
        split(key, part, SUBSEP)
        area = area_of(part[1])
        excess = untaken[key] > most[key] ? untaken[key] - most[key] : 0
        reasoned = untaken[key] - excess
        unpaid = reasoned > most[key] - owing[key] ? reasoned - (most[key] - owing[key]) : 0
        missed[area] += untaken[key]
        excepted[area] += reasoned - unpaid
        owed[area] += unpaid
        neither[area] += excess
        if (excess > 0) {
            open_lines = open_lines lines[key]
        }
    }
    for (key in most) {
        split(key, part, SUBSEP)
        if (is_measured(part[1]) && (!(key in branches_of) || untaken[key] < least[key])) {
            idle = idle "    line " where[key] ": " part[1] " " part[2] ": " least[key] " excepted, " untaken[key] + 0 " never taken\n"
        }
    }
    if (open_lines != "") {
        print "never taken, and no reason given (all of the function's are shown):"
        fflush()
        printf "%s", open_lines | "sort -V"
        close("sort -V")
    }
    if (idle != "") {
        print "exceptions that are needed no more:"
        fflush()
        printf "%s", idle | "sort -V"
        close("sort -V")
    }
    printf "%-20s %9s %9s %9s %9s %9s\n", "", "branches", "taken", "excepted", "owed", "neither"
    count = split("coordinator/engine proto agent/exec agent/core", order, " ")
    for (i = 1; i <= count; i++) {
        area = order[i]
        if (area in branches) {
            printf "%-20s %9d %9d %9d %9d %9d\n", area, branches[area], branches[area] - missed[area],
                excepted[area], owed[area], neither[area]
        }
    }
    exit is_wrong || open_lines != "" || idle != ""
}

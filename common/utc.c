/* A moment as text. The libraries' own way reads the time zone's file on the way. */
#include "common/utc.h"

#include "common/err.h"

#define DAY_S 86400
#define DAYS_TO_1970 719468              /* from the first of March of the year 0 */
#define ERA_DAYS 146097                  /* after 400 years the calendar begins again */
#define DATE_MAX_S INT64_C(253402300799) /* the last second of the year 9999 */
#define DATE_MIN_S INT64_C(-62135596800) /* the first of the year 1 */

typedef struct Date {
    long long year;
    unsigned month;
    unsigned day;
} Date;

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* Years begin in March, so that a leap day is a year's last and no month after it moves: the
 * civil_from_days of Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms". */
static Date date_of(int64_t days_since_1970)
{
    int64_t days = days_since_1970 + DAYS_TO_1970;
    int64_t era = floor_divide(days, ERA_DAYS);
    unsigned of_era = (unsigned)(days - era * ERA_DAYS);
    unsigned year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153;
    return (Date){
        .year = (long long)year + era * 400 + (month >= 10),
        .month = month < 10 ? month + 3 : month - 9,
        .day = of_year - (153 * month + 2) / 5 + 1,
    };
}

static void format(int64_t wall_s, const char *fraction, char ret_text[UTC_TEXT_MAX])
{
    if (wall_s < DATE_MIN_S || wall_s > DATE_MAX_S) {
        text_format(ret_text, UTC_TEXT_MAX, "(no date)");
        return;
    }
    int64_t day = floor_divide(wall_s, DAY_S);
    unsigned second = (unsigned)(wall_s - day * DAY_S);
    Date date = date_of(day);
    text_format(ret_text, UTC_TEXT_MAX, "%04lld-%02u-%02uT%02u:%02u:%02u%sZ", date.year, date.month,
                date.day, second / 3600, second / 60 % 60, second % 60, fraction);
}

void utc_format(int64_t wall_ms, char ret_text[UTC_TEXT_MAX])
{
    char fraction[sizeof(".000")];
    unsigned ms = (unsigned)((wall_ms % 1000 + 1000) % 1000);
    text_format(fraction, sizeof(fraction), ".%03u", ms);
    format(floor_divide(wall_ms, 1000), fraction, ret_text);
}

void utc_format_s(int64_t wall_s, char ret_text[UTC_TEXT_MAX])
{
    format(wall_s, "", ret_text);
}

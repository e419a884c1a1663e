-- The category of each item, which says what counts as a pass: `categories` holds the thresholds.
--   In this order: the item's own meta['category'], tests or constraints it brings, its domain by
--   the patterns in `categories`, else `closed` where it has a gold answer and `other` where not.
WITH named AS (
    SELECT d.domain, arg_min(c.category, c.position) AS category
    FROM (SELECT DISTINCT domain FROM items WHERE domain IS NOT NULL) AS d
    JOIN (SELECT category, position, unnest(domains) AS pattern FROM categories) AS c
        ON lower(d.domain) GLOB c.pattern
    GROUP BY d.domain
)
SELECT
    i.item_id,
    coalesce(
        own.category,
        CASE
            WHEN list_contains(map_keys(i.meta), 'tests') THEN 'code'
            WHEN list_contains(map_keys(i.meta), 'constraints') THEN 'instructions'
        END,
        named.category,
        CASE WHEN i.reference IS NULL THEN 'other' ELSE 'closed' END
    ) AS category
FROM items AS i
LEFT JOIN categories AS own ON own.category = i.meta['category']
LEFT JOIN named ON named.domain = i.domain
